//! Where Apple's servers are: these, by name, and nothing that looks like them.
//!
//! A browser tells its page an address to ask (`event.validationURL`), and the page tells us. It is never followed:
//! whoever could choose it would have our identity shown to a server of theirs. It is compared as text, character by
//! character, so that no two readers of addresses can disagree about it
//! (Apple, "Setting Up Your Server": the list of hosts).

const HOSTS: [&str; 30] = [
    "apple-pay-gateway.apple.com",
    "cn-apple-pay-gateway.apple.com",
    "apple-pay-gateway-nc-pod1.apple.com",
    "apple-pay-gateway-nc-pod2.apple.com",
    "apple-pay-gateway-nc-pod3.apple.com",
    "apple-pay-gateway-nc-pod4.apple.com",
    "apple-pay-gateway-nc-pod5.apple.com",
    "apple-pay-gateway-pr-pod1.apple.com",
    "apple-pay-gateway-pr-pod2.apple.com",
    "apple-pay-gateway-pr-pod3.apple.com",
    "apple-pay-gateway-pr-pod4.apple.com",
    "apple-pay-gateway-pr-pod5.apple.com",
    "apple-pay-gateway-nc-pod1-dr.apple.com",
    "apple-pay-gateway-nc-pod2-dr.apple.com",
    "apple-pay-gateway-nc-pod3-dr.apple.com",
    "apple-pay-gateway-nc-pod4-dr.apple.com",
    "apple-pay-gateway-nc-pod5-dr.apple.com",
    "apple-pay-gateway-pr-pod1-dr.apple.com",
    "apple-pay-gateway-pr-pod2-dr.apple.com",
    "apple-pay-gateway-pr-pod3-dr.apple.com",
    "apple-pay-gateway-pr-pod4-dr.apple.com",
    "apple-pay-gateway-pr-pod5-dr.apple.com",
    "cn-apple-pay-gateway-sh-pod1.apple.com",
    "cn-apple-pay-gateway-sh-pod2.apple.com",
    "cn-apple-pay-gateway-sh-pod3.apple.com",
    "cn-apple-pay-gateway-tj-pod1.apple.com",
    "cn-apple-pay-gateway-tj-pod2.apple.com",
    "cn-apple-pay-gateway-tj-pod3.apple.com",
    "apple-pay-gateway-cert.apple.com",
    "cn-apple-pay-gateway-cert.apple.com",
];

const PATHS: [&str; 2] = ["paymentservices/paymentSession", "paymentservices/startSession"];

/// Whether this is one of Apple's servers for merchant sessions.
pub(super) fn is_apples(host: &str) -> bool {
    HOSTS.contains(&host.to_ascii_lowercase().as_str())
}

/// Whether a browser's address is one that Apple gives to browsers. Nothing more is ever done with it.
pub fn is_validation_url(url: &str) -> bool {
    let Some((authority, path)) = url.strip_prefix("https://").and_then(|it| it.split_once('/'))
    else {
        return false;
    };
    is_apples(authority.strip_suffix(":443").unwrap_or(authority)) && PATHS.contains(&path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "https://apple-pay-gateway.apple.com/paymentservices/paymentSession";

    #[test]
    fn every_listed_host_may_be_named_with_either_path() {
        for (host, path) in HOSTS.iter().flat_map(|host| PATHS.map(|path| (host, path))) {
            assert!(is_validation_url(&format!("https://{host}/{path}")), "{host}");
            assert!(is_validation_url(&format!("https://{host}:443/{path}")), "{host}");
            let shouted = host.to_uppercase();
            assert!(is_validation_url(&format!("https://{shouted}/{path}")), "{shouted}");
        }
    }

    #[test]
    fn nothing_that_only_looks_like_apple_is_taken_for_it() {
        for authority in [
            "apple-pay-gateway.apple.com.evil.test",
            "apple-pay-gateway.apple.com@evil.test",
            "evil.test#apple-pay-gateway.apple.com",
            "evil.test/apple-pay-gateway.apple.com",
            "evil.test\\apple-pay-gateway.apple.com",
            "evil.test?apple-pay-gateway.apple.com",
            "apple-pay-gateway.apple.com\\@evil.test",
            "user:secret@apple-pay-gateway.apple.com",
            "apple-pay-gateway.apple.com:8443",
            "apple-pay-gateway.apple.com:443:443",
            "apple-pay-gateway.apple.com:",
            "apple-pay-gateway.apple.com.",
            "apple-pay-gateway.apple.com ",
            " apple-pay-gateway.apple.com",
            "apple-pay-gateway.apple.com\t",
            "apple-pay-gateway.apple.com\r\nhost: evil.test",
            "apple-pay-gateway.apple.com\0",
            "apple-pay-gateway%2eapple.com",
            "%61pple-pay-gateway.apple.com",
            "аpple-pay-gateway.apple.com",
            "apple-pay-gateway.apple。com",
            "developer.apple.com",
            "apple.com",
            "apple-pay-gateway-nc-pod6.apple.com",
            "127.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "0x7f000001",
            "169.254.169.254",
            "localhost",
            "",
        ] {
            for path in PATHS {
                assert!(!is_validation_url(&format!("https://{authority}/{path}")), "{authority}");
            }
        }
    }

    #[test]
    fn scheme_and_path_are_these_alone() {
        for url in [
            "http://apple-pay-gateway.apple.com/paymentservices/paymentSession",
            "HTTPS://apple-pay-gateway.apple.com/paymentservices/paymentSession",
            "//apple-pay-gateway.apple.com/paymentservices/paymentSession",
            "https:/apple-pay-gateway.apple.com/paymentservices/paymentSession",
            "file:///paymentservices/paymentSession",
            "https://apple-pay-gateway.apple.com",
            "https://apple-pay-gateway.apple.com/",
            "https://apple-pay-gateway.apple.com/paymentservices/paymentSession/",
            "https://apple-pay-gateway.apple.com//paymentservices/paymentSession",
            "https://apple-pay-gateway.apple.com/paymentservices/../paymentSession",
            "https://apple-pay-gateway.apple.com/paymentservices/paymentSession?to=evil.test",
            "https://apple-pay-gateway.apple.com/paymentservices/paymentSession#x",
            "https://apple-pay-gateway.apple.com/redirect?url=evil.test",
            "",
        ] {
            assert!(!is_validation_url(url), "{url}");
        }
    }

    proptest! {
        /// One character more, and it is not Apple's.
        #[test]
        fn one_more_character_anywhere_and_it_is_refused(place in 0..=GOOD.len(), other in any::<char>()) {
            let mut url = GOOD.to_owned();
            url.insert(place, other);
            prop_assert!(!is_validation_url(&url));
        }
    }
}
