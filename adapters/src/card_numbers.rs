//! Card numbers: found in whatever somebody sends us, so that none goes any further.

use std::ops::Range;

const SHORTEST: usize = 13;
const LONGEST: usize = 19;

/// Where the first card number is: 13 to 19 digits (Arabic ones, too), alone or in groups with one space or dash between
/// them, in a range that cards are issued in, whose last digit fits the others (ISO/IEC 7812, Luhn). Letters beside it
/// make it part of a name. UUIDs are not looked into: one in some ten thousand would look like a card.
pub fn find(text: &str) -> Option<Range<usize>> {
    numbers(text).next()
}

/// The same text with every digit of a card number starred out.
pub(crate) fn masked(text: Vec<u8>) -> Vec<u8> {
    // What is no text is no JSON either, and nobody reads it.
    let text = match String::from_utf8(text) {
        Ok(text) => text,
        Err(error) => return error.into_bytes(),
    };
    let star = |c: char| if digit(c).is_some() { '*' } else { c };
    let (mut masked, mut done) = (String::new(), 0);
    for found in numbers(&text) {
        masked.push_str(&text[done..found.start]);
        masked.extend(text[found.clone()].chars().map(star));
        done = found.end;
    }
    if done == 0 {
        return text.into_bytes();
    }
    masked.push_str(&text[done..]);
    masked.into_bytes()
}

/// Where the card numbers are, from left to right, in one walk through the text however many there are: none is in
/// another. Only where there are digits enough is looked any closer: vendors send megabytes.
fn numbers(text: &str) -> impl Iterator<Item = Range<usize>> {
    let ends = |c: char| c.is_ascii() && !(c.is_ascii_alphanumeric() || " -.".contains(c));
    let stretches = if has_enough_digits(text) { text } else { "" }.split(ends);
    stretches.filter(|stretch| has_enough_digits(stretch)).flat_map(move |stretch| {
        let start = stretch.as_ptr().addr() - text.as_ptr().addr();
        let shifted = move |found: Range<usize>| start + found.start..start + found.end;
        in_stretch(stretch).into_iter().map(shifted)
    })
}

/// Those in a stretch of letters and digits, and of what may stand between them.
fn in_stretch(text: &str) -> Vec<Range<usize>> {
    let (mut words, mut begin, mut found) = (words(text), 0, Vec::new());
    for next in 0..words.len() {
        let Some(number) = ending_with(&words[begin..=next], text) else { continue };
        begin = next + 1;
        // A card number is no whole that could have a fraction.
        if let Some(after) = words.get_mut(begin).filter(|it| it.place.start == number.end + 1) {
            after.is_fraction = false;
        }
        found.push(number);
    }
    found
}

/// Whether somebody hides digits as JSON's escapes, which no vendor does.
pub(crate) fn hides_digits(json: &[u8]) -> bool {
    json.windows(6).any(|escape| escape.starts_with(b"\\u003") && escape[5].is_ascii_digit())
}

/// Most texts have not, and are looked at no closer.
fn has_enough_digits(text: &str) -> bool {
    let mut count = 0;
    text.bytes().any(|byte| {
        match byte {
            b'0'..=b'9' | 0x80.. => count += 1,
            b' ' | b'-' => {}
            _ => count = 0,
        }
        count >= SHORTEST
    })
}

/// Letters and digits at a stretch.
struct Word {
    place: Range<usize>,
    /// It has nothing but digits, and is no part of a UUID.
    is_number: bool,
    /// It stands behind the point of a number.
    is_fraction: bool,
}

fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for part in text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()) {
        let start = part.as_ptr().addr() - text.as_ptr().addr();
        let is_fraction = text[..start]
            .strip_suffix('.')
            .is_some_and(|whole| whole.chars().next_back().and_then(digit).is_some());
        let is_number = part.chars().all(|c| digit(c).is_some());
        words.push(Word { place: start..start + part.len(), is_number, is_fraction });
    }
    for first in 0..words.len().saturating_sub(4) {
        let five = first..first + 5;
        let (from, to) = (words[first].place.start, words[first + 4].place.end);
        if is_uuid(&text[from..to]) {
            words[five].iter_mut().for_each(|word| word.is_number = false);
        }
    }
    words
}

fn is_uuid(text: &str) -> bool {
    let groups = text.split('-');
    let hex = |group: &str| group.chars().all(|c| c.is_ascii_hexdigit());
    groups.clone().map(str::len).eq([8, 4, 4, 4, 12]) && groups.clone().all(hex)
}

/// The card number whose last group is the last of these words.
fn ending_with(words: &[Word], text: &str) -> Option<Range<usize>> {
    let end = words.last()?.place.end;
    let mut number: Vec<u32> = Vec::new();
    for (at, word) in words.iter().enumerate().rev() {
        let between = words.get(at + 1).map(|next| &text[word.place.end..next.place.start]);
        if !between.is_none_or(|between| [" ", "-", "\u{a0}"].contains(&between)) {
            return None;
        }
        if !word.is_number || word.is_fraction {
            return None;
        }
        let digits = text[word.place.clone()].chars().filter_map(digit).take(LONGEST + 1);
        number.splice(0..0, digits);
        if number.len() > LONGEST {
            return None;
        }
        if number.len() >= SHORTEST && is_issued(&number) && checks(&number) {
            return Some(word.place.start..end);
        }
    }
    None
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
fn checks(number: &[u32]) -> bool {
    let weigh = |(place, digit): (usize, &u32)| match (place % 2, digit * 2) {
        (0, _) => *digit,
        (_, twice) => twice / 10 + twice % 10,
    };
    number.iter().rev().enumerate().map(weigh).sum::<u32>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hidden_in(text: &str) -> Option<&str> {
        find(text).and_then(|found| text.get(found))
    }

    #[test]
    fn cards_are_found_however_they_are_written() {
        let cards = [
            "4111111111111111",
            "4111 1111 1111 1111",
            "5105-1051-0510-5100",
            "3782 822463 10005",
            "378282246310005",
            "30569309025904",
            "2223003122003222",
            "6011111111111117",
            "3530111333300000",
            "9682010000000005",
            "4222222222222",
            "٤١١١١١١١١١١١١١١١",
        ];
        for card in cards {
            for text in [
                card.to_owned(),
                format!("my card is {card}, thank you"),
                format!("/orders/{card}/ticket"),
                format!("{{\"id\":\"{card}\",\"at\":1763744000000}}"),
                format!("seat 12 {card} 05/27"),
            ] {
                assert_eq!(hidden_in(&text), Some(card), "in {text}");
            }
        }
    }

    #[test]
    fn what_only_looks_like_one_is_left_alone() {
        let others = [
            "",
            "4111111111111112",
            "bk_4111111111111111ABCDEFGHJK",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "12345678-1234-4123-8123-123456789012",
            "{\"id\":\"41111111-1111-1111-1111-111111111111\"}",
            "1763745000000",
            "169996200024611493",
            "0.4111111111111111",
            "+966 50 123 4567",
            "2026-11-21 18:30:00.123456",
            "4111, 1111, 1111, 1111",
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
            br#"{"card":"4111 1111 1111 1111","also":"5105105105105100 378282246310005","id":"a1"}"#;
        let masked = String::from_utf8(masked(text.to_vec())).unwrap();
        let stars =
            r#"{"card":"**** **** **** ****","also":"**************** ***************","id":"a1"}"#;
        assert_eq!(masked, stars);
    }

    #[test]
    fn a_megabyte_of_cards_is_starred_out_to_the_last() {
        let text = "5105105105105100, ".repeat(60_000);
        let masked = String::from_utf8(masked(text.into_bytes())).unwrap();
        assert_eq!(masked, "****************, ".repeat(60_000));
    }

    /// Parts that make card numbers, nearly make some, or stand between them.
    fn parts() -> impl Strategy<Value = String> {
        let parts = [
            "4111111111111111",
            "4111 1111",
            "1111-1111",
            "5105105105105100",
            "٤١١١١١١١١١١١١١١١",
            "12345678-1234-4123-8123-123456789012",
            "0",
            "4",
            ".",
            " ",
            "-",
            ", ",
            "a",
        ];
        proptest::collection::vec(proptest::sample::select(parts.to_vec()), 0..8)
            .prop_map(|parts| parts.concat())
    }

    proptest! {
        /// Looking again from the start after each, as slowly as that is, finds the same.
        #[test]
        fn one_walk_stars_out_what_many_would(text in parts()) {
            let mut slowly = text.clone();
            while let Some(found) = find(&slowly) {
                let stars = slowly[found.clone()].chars();
                let stars: String =
                    stars.map(|c| if digit(c).is_some() { '*' } else { c }).collect();
                slowly.replace_range(found, &stars);
            }
            let at_once = String::from_utf8(masked(text.into_bytes())).unwrap();
            prop_assert_eq!(&at_once, &slowly);
            prop_assert!(find(&at_once).is_none());
        }
    }
}
