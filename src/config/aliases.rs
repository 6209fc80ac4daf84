//! Operations holds values under two sets of names, the services' and the parameter store's: both are accepted.

/// The services' name, and what the parameter store calls the same thing.
const ALIASES: [(&str, &str); 8] = [
    ("HYPER_PAY_TOKEN", "HYPERPAY_ACCESS_TOKEN"),
    ("TABBY_API_KEY", "TABBY_SECRET_KEY"),
    ("BRAZE_BASE_URL", "BRAZE_REST_ENDPOINT"),
    ("CLOUDFRONT_DOMAIN", "CDN_URL"),
    ("JWT_SECRET_KEY", "JWT_SECRET"),
    ("THROTTLE_TTL", "RATE_LIMIT_TTL"),
    ("THROTTLE_LIMIT", "RATE_LIMIT_MAX"),
    ("THROTTLE_ORDER_LIMIT", "ORDER_RATE_LIMIT_MAX"),
];

/// Every name of the thing that this is a name of, this one first.
pub(super) fn names_of(name: &str) -> impl Iterator<Item = &str> {
    let other = ALIASES.iter().find_map(|(ours, theirs)| match name {
        _ if name == *ours => Some(*theirs),
        _ if name == *theirs => Some(*ours),
        _ => None,
    });
    [name].into_iter().chain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_leads_to_the_other_and_none_is_in_two_pairs() {
        let mut all: Vec<&str> = ALIASES.iter().flat_map(|pair| [pair.0, pair.1]).collect();
        for (ours, theirs) in ALIASES {
            assert_eq!(names_of(ours).collect::<Vec<_>>(), [ours, theirs]);
            assert_eq!(names_of(theirs).collect::<Vec<_>>(), [theirs, ours]);
        }
        assert_eq!(names_of("DATABASE_URL").count(), 1);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), ALIASES.len() * 2);
    }
}
