//! Card numbers: found in whatever somebody sends us, so that none goes any further.

use std::ops::Range;

/// ISO/IEC 7812: no card number is shorter or longer.
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Where the first card number is: 13 to 19 digits, at a stretch or with single spaces or dashes between them, no letter
/// or digit beside them, in the range of a card scheme and with the right check digit.
pub fn find(text: &[u8]) -> Option<Range<usize>> {
    let starts = (0..text.len()).filter(|start| begins_at(text, *start));
    starts.into_iter().find_map(|start| number_from(text, start).map(|end| start..end))
}

/// The same bytes with every digit of a card number starred out.
pub(crate) fn masked(mut text: Vec<u8>) -> Vec<u8> {
    while let Some(found) = find(&text) {
        for digit in text[found].iter_mut().filter(|byte| byte.is_ascii_digit()) {
            *digit = b'*';
        }
    }
    text
}

/// Whether somebody hides digits as JSON's escapes, which no vendor does.
pub(crate) fn hides_digits(json: &[u8]) -> bool {
    json.windows(6).any(|escape| escape.starts_with(b"\\u003") && escape[5].is_ascii_digit())
}

/// A digit that follows neither a letter nor a digit, nor the point of a fraction.
fn begins_at(text: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|place| text.get(place));
    let fraction = before(1) == Some(&b'.') && before(2).is_some_and(u8::is_ascii_digit);
    text[at].is_ascii_digit() && !before(1).is_some_and(u8::is_ascii_alphanumeric) && !fraction
}

/// Where the card number that begins here ends.
fn number_from(text: &[u8], start: usize) -> Option<usize> {
    let mut digits = Vec::with_capacity(*DIGITS.end());
    let mut at = start;
    while let Some(digit) = text.get(at).filter(|byte| byte.is_ascii_digit()) {
        digits.push(digit - b'0');
        at += 1;
        let next = text.get(at);
        if DIGITS.contains(&digits.len())
            && !next.is_some_and(u8::is_ascii_alphanumeric)
            && is_of_a_scheme(&digits)
            && checks(&digits)
        {
            return Some(at);
        }
        if digits.len() == *DIGITS.end() {
            return None;
        }
        if matches!(next, Some(b' ' | b'-')) {
            at += 1;
        }
    }
    None
}

/// American Express, Diners, JCB; Visa; Mastercard, Maestro; Discover, `UnionPay`; Mastercard's new range; mada's own.
fn is_of_a_scheme(digits: &[u8]) -> bool {
    let first_four = digits.iter().take(4).fold(0_u16, |sum, digit| sum * 10 + u16::from(*digit));
    matches!(first_four, 3000..=6999 | 2221..=2720 | 9682)
}

/// Luhn's check digit.
fn checks(digits: &[u8]) -> bool {
    let weighted = digits.iter().rev().enumerate().map(|(place, digit)| match place % 2 {
        0 => u16::from(*digit),
        _ if *digit > 4 => u16::from(*digit) * 2 - 9,
        _ => u16::from(*digit) * 2,
    });
    weighted.sum::<u16>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden_in(text: &str) -> Option<&str> {
        find(text.as_bytes()).and_then(|found| text.get(found))
    }

    #[test]
    fn card_numbers_are_found_however_they_are_written() {
        let cards = [
            "4111111111111111",
            "5105 1051 0510 5100",
            "3782-822463-10005",
            "2223003122003222",
            "9682010000000005",
            "6011000990139424",
            "4222222222222",
        ];
        for card in cards {
            for text in
                [card.to_owned(), format!("pay with {card}."), format!("{{\"a\":\"{card}\"}}")]
            {
                assert_eq!(hidden_in(&text), Some(card), "in {text}");
            }
        }
        assert_eq!(hidden_in("seat 12 4111 1111 1111 1111 3"), Some("4111 1111 1111 1111"));
    }

    #[test]
    fn what_only_looks_like_one_is_left_alone() {
        let others = [
            "",
            "4111111111111112",
            "bk_4111111111111111ABCDEFGHJK",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "1763745000000",
            "169996200024611493",
            "0.4111111111111111",
            "+966 50 123 4567",
            "2026-11-21 18:30:00",
            "41111111111111111111111111",
        ];
        for other in others {
            assert_eq!(hidden_in(other), None, "in {other}");
        }
    }

    #[test]
    fn digits_in_disguise_are_noticed() {
        assert!(hides_digits(br#"{"id":"\u0034111111111111111"}"#));
        assert!(!hides_digits(br#"{"text":"\u003cb\u003e"}"#));
    }

    #[test]
    fn a_masked_text_keeps_everything_else() {
        let text =
            br#"{"card":"4111 1111 1111 1111","also":"5105105105105100","id":"a1"}"#.to_vec();
        let masked = String::from_utf8(masked(text)).unwrap();
        assert_eq!(masked, r#"{"card":"**** **** **** ****","also":"****************","id":"a1"}"#);
    }
}
