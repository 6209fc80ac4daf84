//! What is a card's, by its name or by its number, and so is refused before anybody writes it down.

use adapters::card_numbers;

/// Names that only card data has, without their dashes and underscores.
const NAMES: [&str; 24] = [
    "cvv",
    "cvv2",
    "cvc",
    "cvc2",
    "csc",
    "cid",
    "cardcvv",
    "cardcvc",
    "cardnumber",
    "cardno",
    "ccnumber",
    "pan",
    "primaryaccountnumber",
    "securitycode",
    "cardsecuritycode",
    "expiry",
    "expirydate",
    "cardexpiry",
    "expirymonth",
    "expiryyear",
    "cardholder",
    "trackdata",
    "track2",
    "cardpin",
];

/// Whether a field of this name holds card data, whatever is in it.
pub(super) fn is_named(name: &str) -> bool {
    if name.len() > 40 {
        return false;
    }
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    NAMES.contains(&plain.to_ascii_lowercase().as_str())
}

/// Whether there is a card number in this text.
pub(super) fn is_in(text: &str) -> bool {
    card_numbers::find(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_however_they_are_written() {
        for name in ["cvv", "CVC", "card_number", "cardNumber", "Card-Number", "expiry_date"] {
            assert!(is_named(name), "{name}");
        }
        for name in ["seat", "pancake", "reason", "expires_at"] {
            assert!(!is_named(name), "{name}");
        }
    }
}
