//! `PayFort`'s response codes: two digits of status, three of message ("Statuses" and "Messages", Amazon Payment
//! Services). A few messages say more than the status they come with, so they are looked at first.

/// What a code says. One that is not documented says nothing, and is `Unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// `14000`: the money was taken.
    Purchased,
    /// `02000`: the money is reserved.
    Authorized,
    /// `04000`: reserved money was taken.
    Captured,
    /// `06000`
    Refunded,
    /// `08000`: reserved money was let go.
    Voided,
    /// `12000`: the question was answered; of the payment it says nothing.
    Queried,
    /// `18…`: a card became a token; no money.
    Tokenized,
    /// `58…`: a token was changed; no money.
    TokenUpdated,
    /// `20064`: the customer is to show who they are to their bank.
    Checks3ds,
    Pending,
    /// The reference was used before.
    Duplicate,
    /// There is no such order.
    NotFound,
    /// There is no such token (any more): nothing was done with it.
    NoToken,
    /// What the order is now does not allow it. Perhaps because it has been done.
    NotNow,
    /// Something broke at the vendor: it may have happened.
    Uncertain,
    /// The customer's bank, or the customer, will not.
    Declined,
    /// The request was wrong: nothing was done.
    Invalid,
    Unknown,
}

impl Class {
    pub(super) fn of(code: &str) -> Self {
        let Some((status, message)) = code.split_at_checked(2).filter(|_| code.len() == 5) else {
            return Self::Unknown;
        };
        match message {
            "006" | "777" | "778" | "779" | "780" | "781" => return Self::Uncertain,
            "007" | "047" | "066" => return Self::Duplicate,
            "036" => return Self::NotFound,
            "044" => return Self::NoToken,
            // Not allowed; more than is reserved; more than was taken; not confirmed yet; closed.
            "034" | "042" | "048" | "662" | "773" => return Self::NotNow,
            // Waits for the customer; in review; another is still processed.
            "065" | "090" | "784" => return Self::Pending,
            _ => {}
        }
        match (status, message) {
            ("14", "000") => Self::Purchased,
            ("02", "000") => Self::Authorized,
            ("04", "000") => Self::Captured,
            ("06", "000") => Self::Refunded,
            ("08", "000") => Self::Voided,
            ("12", "000") => Self::Queried,
            ("18", _) => Self::Tokenized,
            ("58", _) => Self::TokenUpdated,
            ("20", "064") => Self::Checks3ds,
            ("01" | "10" | "19" | "20" | "24" | "40" | "44", _) => Self::Pending,
            ("15", _) => Self::Uncertain,
            ("03" | "05" | "07" | "09" | "13" | "17" | "23" | "45", _) => Self::Declined,
            ("00", message) if is_the_customers(message) => Self::Declined,
            ("00", _) => Self::Invalid,
            _ => Self::Unknown,
        }
    }
}

/// With status 00 most messages are about our request; these are about the card or the customer.
fn is_the_customers(message: &str) -> bool {
    let about = [
        "012", "016", "029", "030", "031", "049", "050", "070", "072", "074", "075", "079", "100",
        "102", "123", "151", "152", "666", "785", "787",
    ];
    about.contains(&message)
}

/// Refused before anything was looked at: a parameter is missing or malformed, our signature or our ids are wrong. True
/// even where the vendor does not sign it: it cannot tell us from a stranger then.
pub(super) fn is_refused_at_the_door(code: &str) -> bool {
    ["00001", "00002", "00008", "00009", "00010"].contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_code_is_in_its_class() {
        for (codes, class) in [
            ("14000", Class::Purchased),
            ("02000", Class::Authorized),
            ("04000", Class::Captured),
            ("06000", Class::Refunded),
            ("08000", Class::Voided),
            ("12000", Class::Queried),
            ("18000 18062 18063", Class::Tokenized),
            ("58000 58063", Class::TokenUpdated),
            ("20064", Class::Checks3ds),
            ("19000 01000 10000 40000 40090 20065 13784", Class::Pending),
            ("00007 00047 00066 13007 03066", Class::Duplicate),
            ("00036 11036 07036", Class::NotFound),
            ("00044 13044 59044", Class::NoToken),
            ("00034 00042 05042 00048 07048 00662 05773", Class::NotNow),
            ("15777 15778 15779 15780 15781 15000", Class::Uncertain),
            ("00006 13006 07006 13778", Class::Uncertain),
            ("13666 03666 13029 13012 13030 00072 17000", Class::Declined),
            ("05666 07000 09000 23102 45000 00666", Class::Declined),
            ("00001 00002 00008 00009 00010 00015 00073", Class::Invalid),
            ("1400 140000 97000 14001 xx000 سل0", Class::Unknown),
        ] {
            for code in codes.split_whitespace() {
                assert_eq!(Class::of(code), class, "{code}");
            }
        }
    }
}
