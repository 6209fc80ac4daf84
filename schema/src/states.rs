//! The states things are in. The edges between them are in the database (`state_edges`), which refuses any other.

use serde::{Deserialize, Serialize};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$state_doc:meta])* $state:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
        #[sqlx(type_name = "text")]
        pub enum $name {
            $($(#[$state_doc])* #[serde(rename = $text)] #[sqlx(rename = $text)] $state),+
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                use utoipa::openapi::{ObjectBuilder, schema::Type};
                let names = Self::ALL.iter().map(|state| state.name());
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl $name {
            /// Every one there is.
            pub const ALL: &[Self] = &[$(Self::$state),+];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$state => $text),+ }
            }
        }
    };
}

pub(crate) use states;

states! {
    /// A booking's life.
    BookingStatus {
        /// Asked for; nothing is promised yet.
        Requested = "REQUESTED",
        /// Seats held, `expires_at` runs.
        Pending = "PENDING",
        /// A payment has won the row (or nothing is to pay); Vista is being told.
        Confirming = "CONFIRMING",
        /// Vista's booking exists.
        Confirmed = "CONFIRMED",
        /// The show is over.
        Completed = "COMPLETED",
        /// Sold out or invalid.
        Rejected = "REJECTED",
        Cancelled = "CANCELLED",
        Expired = "EXPIRED",
    }
}

impl BookingStatus {
    /// Nothing more happens to it by itself.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Requested | Self::Pending | Self::Confirming => false,
            Self::Confirmed
            | Self::Completed
            | Self::Rejected
            | Self::Cancelled
            | Self::Expired => true,
        }
    }

    /// Its seats are for others again.
    pub const fn frees_seats(self) -> bool {
        match self {
            Self::Rejected | Self::Cancelled | Self::Expired => true,
            Self::Requested
            | Self::Pending
            | Self::Confirming
            | Self::Confirmed
            | Self::Completed => false,
        }
    }
}

states! {
    /// A payment's life. A decline is not the end while the vendor's session lives.
    PaymentStatus {
        Open = "OPEN",
        Authorized = "AUTHORIZED",
        Captured = "CAPTURED",
        /// The last card was declined; another may succeed.
        Failed = "FAILED",
        /// The session is over, and the vendor says: no money.
        Abandoned = "ABANDONED",
        Voided = "VOIDED",
    }
}

/// What a vendor says about a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VendorSays {
    Declined,
    /// The money is reserved.
    Authorized,
    Captured,
    /// What was reserved is let go.
    Voided,
    /// Its session is over, and no money was taken in it.
    NoMoney,
}

impl PaymentStatus {
    /// Where the vendor's word takes a payment. None: nowhere, it was said before, or comes too late to matter.
    pub const fn after(self, word: VendorSays) -> Option<Self> {
        match (self, word) {
            (Self::Open | Self::Failed, VendorSays::Declined) => Some(Self::Failed),
            (Self::Open | Self::Failed | Self::Abandoned, VendorSays::Authorized) => {
                Some(Self::Authorized)
            }
            (Self::Open | Self::Failed, VendorSays::NoMoney) => Some(Self::Abandoned),
            (Self::Authorized, VendorSays::Voided) => Some(Self::Voided),
            (
                Self::Open | Self::Failed | Self::Authorized | Self::Abandoned,
                VendorSays::Captured,
            ) => Some(Self::Captured),
            _ => None,
        }
    }
}

states! {
    /// What became of a capture.
    Verdict {
        /// Kept for its booking.
        Won = "WON",
        /// Goes back by itself.
        Late = "LATE",
        /// Not what was asked for: a person looks.
        Disputed = "DISPUTED",
    }
}

states! {
    RefundStatus {
        Requested = "REQUESTED",
        /// The vendor has it, and has not said the last word.
        Sent = "SENT",
        Refunded = "REFUNDED",
    }
}

states! {
    TicketStatus {
        Waiting = "WAITING",
        Issued = "ISSUED",
    }
}

states! {
    /// What a webhook delivery came to.
    DeliveryVerdict {
        Applied = "APPLIED",
        NothingNew = "NOTHING_NEW",
        /// About nothing of ours.
        Orphan = "ORPHAN",
        /// Of a kind that asks nothing of us.
        Ignored = "IGNORED",
        /// It claimed money that the vendor does not show: a case.
        Contradicted = "CONTRADICTED",
    }
}

states! {
    /// A saved card's life.
    CardStatus {
        /// The vendor does not have it yet: its form is open, or its token is on the way.
        Adding = "ADDING",
        /// It can be paid with.
        Saved = "SAVED",
        Failed = "FAILED",
        /// Nobody pays with it any more, whether the vendor has deleted it yet or not.
        Deleted = "DELETED",
    }
}

states! {
    /// Why a delivery began nothing.
    Refusal {
        /// Its vendor did not write it, as far as our secrets say.
        Forged = "FORGED",
        /// For another account or channel than ours.
        WrongChannel = "WRONG_CHANNEL",
        Unreadable = "UNREADABLE",
        TooLarge = "TOO_LARGE",
        /// Told before; nothing begins again.
        Repeated = "REPEATED",
        /// The engine did not take it, so its vendor was asked to send it again.
        NotKept = "NOT_KEPT",
    }
}

states! {
    /// What became of a delivery: what it came to (`DeliveryVerdict`), why it began nothing (`Refusal`), or that it is
    /// under way.
    DeliveryFate {
        /// The vendor is being asked.
        UnderWay = "UNDER_WAY",
        Applied = "APPLIED",
        NothingNew = "NOTHING_NEW",
        /// About nothing of ours.
        Orphan = "ORPHAN",
        /// Of a kind that asks nothing of us.
        Ignored = "IGNORED",
        /// It claimed money that the vendor does not show: a case.
        Contradicted = "CONTRADICTED",
        /// Its vendor did not write it, as far as our secrets say.
        Forged = "FORGED",
        /// For another account or channel than ours.
        WrongChannel = "WRONG_CHANNEL",
        Unreadable = "UNREADABLE",
        TooLarge = "TOO_LARGE",
        /// Told before; nothing begins again.
        Repeated = "REPEATED",
        /// The engine did not take it, so its vendor was asked to send it again.
        NotKept = "NOT_KEPT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_word_for_whatever_can_become_of_a_delivery() {
        let verdicts = DeliveryVerdict::ALL.iter().map(|it| it.name());
        let refusals = Refusal::ALL.iter().map(|it| it.name());
        let all: Vec<&str> = std::iter::once("UNDER_WAY").chain(verdicts).chain(refusals).collect();
        let fates: Vec<&str> = DeliveryFate::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(fates, all);
    }
}
