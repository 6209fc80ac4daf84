//! Somebody's name or address, masked: they recognise themselves by it, and it is of no use to anybody else.

const HIDDEN: &str = "•••";

/// `n•••@example.com`. None: it is no e-mail address.
pub fn email(text: &str) -> Option<String> {
    let (name, host) = text.trim().split_once('@')?;
    let first = name.chars().next().filter(char::is_ascii_alphanumeric)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let sound = host.len() <= 64 && host.contains('.') && host.chars().all(plain);
    sound.then(|| format!("{first}{HIDDEN}@{host}"))
}

/// `•••4567`. None: it is no phone number.
pub fn phone(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_digit() || "+-() ".contains(c);
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    let sound = (8..=15).contains(&digits.len()) && text.chars().all(plain);
    let end: String = digits.iter().skip(digits.len().saturating_sub(4)).collect();
    sound.then(|| format!("{HIDDEN}{end}"))
}

/// `N••• S•••`: three names at most. None: it is no name.
pub fn name(text: &str) -> Option<String> {
    let names: Vec<String> = text
        .split_whitespace()
        .take(3)
        .filter_map(|name| name.chars().next().filter(|first| first.is_alphabetic()))
        .map(|first| format!("{first}{HIDDEN}"))
        .collect();
    (!names.is_empty()).then(|| names.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_owner_recognises_it_and_nobody_reads_it() {
        assert_eq!(email("noura.saleh@example.com").as_deref(), Some("n•••@example.com"));
        assert_eq!(phone("+966 50 123 4567").as_deref(), Some("•••4567"));
        assert_eq!(name("Noura Saleh").as_deref(), Some("N••• S•••"));
        assert_eq!(name("نورة صالح").as_deref(), Some("ن••• ص•••"));
    }

    #[test]
    fn what_is_none_is_not_shown() {
        for text in ["", "noura", "@example.com", "n@host", "n@<b>.com", "n@a.b@c.d"] {
            assert_eq!(email(text), None, "{text}");
        }
        for text in ["", "4567", "call 12345678", "4111111111111111"] {
            assert_eq!(phone(text), None, "{text}");
        }
        for text in ["", " ", "123 456", "<script>"] {
            assert_eq!(name(text), None, "{text}");
        }
    }
}
