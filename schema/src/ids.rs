//! Ids: 128 bits, derived from what they name, written as 26 characters of Crockford base32.
//!
//! A derived id makes every retry, from whoever it comes, name the same thing; so there is no table of idempotency
//! keys. Stored and sent to vendors bare (26 letters and digits fit every vendor's reference rules), shown to callers
//! with a prefix.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use sqlx::{Decode, Encode, Postgres, Type, encode::IsNull, error::BoxDynError};
use std::{fmt, str::FromStr};
use ulid::Ulid;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type as JsonType},
};

/// Text that is not one of our ids.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an id of this kind")]
pub struct NotAnId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What stands before the id wherever a caller sees it.
            pub const PREFIX: &str = $prefix;

            const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// The 26 bare characters: what the database and the vendors see.
            pub fn bare(self) -> String {
                Ulid(self.0).to_string()
            }

            /// Reads the 26 bare characters.
            pub fn from_bare(text: &str) -> Result<Self, NotAnId> {
                Ulid::from_string(text).map(|ulid| Self(ulid.0)).map_err(|_| NotAnId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), Ulid(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                Self::from_bare(text.strip_prefix($prefix).ok_or(NotAnId)?)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let pattern = concat!("^", $prefix, "[0-7][0-9A-HJKMNP-TV-Z]{25}$");
                let id = ObjectBuilder::new().schema_type(JsonType::String).pattern(Some(pattern));
                id.examples([concat!($prefix, "01H455VB4PEX5VSKNK084SN02Q")]).into()
            }
        }

        impl ToSchema for $name {}

        impl Type<Postgres> for $name {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                <String as Type<Postgres>>::type_info()
            }

            fn compatible(other: &sqlx::postgres::PgTypeInfo) -> bool {
                <String as Type<Postgres>>::compatible(other)
            }
        }

        impl Encode<'_, Postgres> for $name {
            fn encode_by_ref(
                &self,
                to: &mut sqlx::postgres::PgArgumentBuffer,
            ) -> Result<IsNull, BoxDynError> {
                Encode::<Postgres>::encode(self.bare(), to)
            }
        }

        impl<'r> Decode<'r, Postgres> for $name {
            fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, BoxDynError> {
                Ok(Self::from_bare(<&str as Decode<Postgres>>::decode(value)?)?)
            }
        }
    };
}

id!(
    /// A booking; also the key of its workflow.
    BookingId,
    "bk_"
);
id!(
    /// One attempt to pay for a booking; also the vendor's reference and the key of its workflow.
    PaymentId,
    "pay_"
);
id!(
    /// Money that goes back; also the vendor's reference of the refund and the key of its workflow.
    RefundId,
    "rf_"
);
id!(
    /// Something a person has to decide.
    CaseId,
    "case_"
);

id!(
    /// A card that a customer has saved; also the key of the workflows that save and delete it.
    CardId,
    "card_"
);

/// The key that ids of bookings, payments and cards are derived with. Never rotated: a retry after a rotation would name
/// another booking.
#[derive(Clone, Debug)]
pub struct IdKey(SecretSlice<u8>);

impl IdKey {
    pub fn new(key: Vec<u8>) -> Self {
        Self(SecretSlice::from(key))
    }

    /// The booking that this caller means by this Idempotency-Key. Not guessable without the id key.
    pub fn booking(&self, caller: &str, idempotency_key: &str) -> BookingId {
        BookingId::from_bits(self.derive("booking", &[caller, idempotency_key]))
    }

    /// The payment of this booking that the caller means by this Idempotency-Key.
    pub fn payment(&self, booking: BookingId, idempotency_key: &str) -> PaymentId {
        PaymentId::from_bits(self.derive("payment", &[&booking.bare(), idempotency_key]))
    }

    /// The card that this caller means to save by this Idempotency-Key.
    pub fn card(&self, caller: &str, idempotency_key: &str) -> CardId {
        CardId::from_bits(self.derive("card", &[caller, idempotency_key]))
    }

    /// A mark of a vendor's token: the same for the same token, and nobody without the id key learns anything by it.
    pub fn mark(&self, token: &SecretString) -> String {
        Ulid(self.derive("token", &[token.expose_secret()])).to_string()
    }

    /// A key of its own for another purpose.
    pub(crate) fn key_for(&self, purpose: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        write_fields("key", &[purpose], |bytes| hash.update(bytes));
        hash.update(self.0.expose_secret());
        hash.finalize().into()
    }

    fn derive(&self, kind: &str, fields: &[&str]) -> u128 {
        // HMAC takes a key of any length, so this cannot fail; an empty key would only make ids guessable.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) else {
            return digest(kind, fields);
        };
        write_fields(kind, fields, |bytes| mac.update(bytes));
        first_128_bits(&mac.finalize().into_bytes())
    }
}

impl PaymentId {
    /// What a vendor knows the taking of this payment's reserved money by, where that has a reference of its own: 26
    /// characters, always the same.
    pub fn capture_reference(&self) -> String {
        Self::from_bits(digest("capture", &[&self.bare()])).bare()
    }
}

impl RefundId {
    /// The one refund that Usher itself raises for a capture, whatever the cause: all causes meet in this id.
    pub fn automatic(payment: PaymentId, vendor_transaction: &str) -> Self {
        Self::from_bits(digest("refund", &[&payment.bare(), vendor_transaction, "auto"]))
    }

    /// What a customer shows at the counter to be given this money: ten digits, which read the same in every language.
    /// Who does not know the refund cannot guess it.
    pub fn receipt(self) -> String {
        const CODES: u128 = 10_000_000_000;
        format!("{:010}", digest("receipt", &[&self.bare()]) % CODES)
    }
}

impl CaseId {
    /// The case of this cause for this subject: asked for twice, it is one case.
    pub fn of(subject: &str, cause: &str, occurrence: i32) -> Self {
        Self::from_bits(digest("case", &[subject, cause, &occurrence.to_string()]))
    }
}

fn digest(kind: &str, fields: &[&str]) -> u128 {
    let mut hash = Sha256::new();
    write_fields(kind, fields, |bytes| hash.update(bytes));
    first_128_bits(&hash.finalize())
}

/// Length-prefixed, so that no two lists of fields are the same bytes.
fn write_fields(kind: &str, fields: &[&str], mut write: impl FnMut(&[u8])) {
    for field in std::iter::once(&kind).chain(fields) {
        write(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        write(field.as_bytes());
    }
}

fn first_128_bits(hash: &[u8]) -> u128 {
    hash.iter().take(16).fold(0, |bits, byte| (bits << 8) | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_names_the_same_booking_and_nothing_else_does() {
        let key = IdKey::new(vec![7; 32]);
        let id = key.booking("customer:1", "a");
        assert_eq!(id, key.booking("customer:1", "a"));
        assert_ne!(id, key.booking("customer:1a", ""));
        assert_ne!(id, key.booking("customer:2", "a"));
        assert_ne!(id, IdKey::new(vec![8; 32]).booking("customer:1", "a"));
    }

    #[test]
    fn a_receipt_is_ten_digits_and_always_the_same() {
        let payment = IdKey::new(vec![7; 32]).payment(BookingId::from_bits(1), "a");
        let [one, other] = ["T1", "T2"].map(|taken| RefundId::automatic(payment, taken).receipt());
        assert!(one.len() == 10 && one.bytes().all(|byte| byte.is_ascii_digit()), "{one}");
        assert_eq!(one, RefundId::automatic(payment, "T1").receipt());
        assert_ne!(one, other);
    }

    #[test]
    fn a_mark_is_the_same_for_the_same_token_and_says_nothing_of_it() {
        let (key, token) = (IdKey::new(vec![7; 32]), SecretString::from("src_token"));
        assert_eq!(key.mark(&token), key.mark(&token));
        assert_ne!(key.mark(&token), key.mark(&"src_other".into()));
        assert_ne!(key.mark(&token), IdKey::new(vec![8; 32]).mark(&token));
        assert!(!key.mark(&token).contains("token"));
    }

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let id = IdKey::new(vec![7; 32]).booking("customer:1", "a");
        assert_eq!(id.bare().len(), 26);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(BookingId::from_bare(&id.bare()), Ok(id));
        assert_eq!(id.bare().parse::<BookingId>(), Err(NotAnId));
    }
}
