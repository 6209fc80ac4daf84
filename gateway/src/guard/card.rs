//! Finds card numbers in texts, so that they are refused before anybody writes them down.
//!
//! A card number is 13 to 19 digits, alone or in groups with one space or dash between them, in a range that cards are
//! issued in, whose last digit fits the others (Luhn). A UUID is not looked into: one in some ten thousand would look
//! like a card.

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

const SHORTEST: usize = 13;
const LONGEST: usize = 19;

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
    if text.len() < SHORTEST || is_uuid(text.trim_matches('"')) {
        return false;
    }
    let mut group = Vec::new();
    let mut groups: Vec<Vec<u32>> = Vec::new();
    // What the group before this one ended with: another group may only follow one space or dash.
    let mut before = None;
    let mut in_a_word = false;
    for c in text.chars().chain([',']) {
        match digit(c) {
            Some(digit) if !in_a_word => group.push(digit),
            Some(_) => {}
            None if c.is_alphanumeric() => {
                group.clear();
                groups.clear();
                in_a_word = true;
            }
            None => {
                if !group.is_empty() {
                    groups.push(std::mem::take(&mut group));
                    if ends_in_a_card(&groups) {
                        return true;
                    }
                    before = None;
                }
                let joins = [' ', '-', '\u{a0}'].contains(&c) && before.is_none();
                if !joins {
                    groups.clear();
                }
                before = Some(c);
                in_a_word = false;
            }
        }
    }
    false
}

/// Whether the last groups, taken together, are a card number.
fn ends_in_a_card(groups: &[Vec<u32>]) -> bool {
    let mut number: Vec<u32> = Vec::new();
    for group in groups.iter().rev() {
        number.splice(0..0, group.iter().copied());
        if number.len() > LONGEST {
            return false;
        }
        if number.len() >= SHORTEST && is_issued(&number) && fits(&number) {
            return true;
        }
    }
    false
}

/// Arabic digits are digits.
fn digit(c: char) -> Option<u32> {
    let zero = match c {
        '0'..='9' => '0',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}',
        '\u{ff10}'..='\u{ff19}' => '\u{ff10}',
        _ => return None,
    };
    u32::from(c).checked_sub(u32::from(zero))
}

/// The ranges: Visa, Mastercard, American Express, Diners, JCB, Discover, Maestro, `UnionPay`, mada.
fn is_issued(number: &[u32]) -> bool {
    let first = |n: usize| number.iter().take(n).fold(0, |value, digit| value * 10 + digit);
    let length = number.len();
    match (first(1), first(2), first(4)) {
        (4, ..) => [13, 16, 18, 19].contains(&length),
        (_, 51..=55, _) | (_, _, 2221..=2720) => length == 16,
        (_, 34 | 37, _) => length == 15,
        (_, 36 | 38 | 39, _) | (_, _, 3000..=3059) => (14..=19).contains(&length),
        (_, _, 3528..=3589 | 9682) | (_, 50 | 56..=58 | 81, _) | (6, ..) => {
            (16..=19).contains(&length)
        }
        _ => false,
    }
}

/// Luhn: from the right, every second digit counts twice.
fn fits(number: &[u32]) -> bool {
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (0, _) => *digit,
            (_, twice) => twice / 10 + twice % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    lengths.eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.chars().all(|c| c.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_found_as_people_write_them() {
        for text in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "my card is 5500-0055-5555-5559, thank you",
            "378282246310005",
            "3782 822463 10005",
            "30569309025904",
            "6011111111111117",
            "3530111333300000",
            "4222222222222",
            "12 4111 1111 1111 1111 05/27",
            "٤١١١١١١١١١١١١١١١",
            "/orders/4111111111111111/ticket",
            "{\"a\":\"4111111111111111\"",
        ] {
            assert!(is_in(text), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_left_alone() {
        for text in [
            "4111111111111112",
            "bk_01J9Z3T4Y5K6M7N8P9Q0R1S2T3",
            "12345678-1234-4123-8123-123456789012",
            "1763744000000",
            "+966 55 123 4567",
            "2026-11-21T16:53:12.123456Z",
            "x4111111111111111",
            "4111111111111111x",
            "41111111111111111111",
            "4111, 1111, 1111, 1111",
            "",
        ] {
            assert!(!is_in(text), "{text}");
        }
    }

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
