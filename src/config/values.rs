//! Every value there is, with where it comes from. The environment comes before secrets, and secrets before parameters.
//!
//! A name's first source wins: so a value is overridden by putting it, under the same name, where it is looked for
//! earlier. Two names of one thing must agree wherever they are, and so must two values under one name in one source:
//! anything else is two people who think that theirs counts.

use super::aliases::names_of;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Where a value comes from; the first comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Environment,
    /// `secrets manager /uat/payment (eu-west-1)`
    Secret {
        name: String,
        region: String,
    },
    /// `parameter store /uat/VISTA_BASE_URL (me-south-1)`
    Parameter {
        path: String,
        region: String,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::Secret { name, region } => write!(f, "secrets manager {name} ({region})"),
            Self::Parameter { path, region } => write!(f, "parameter store {path} ({region})"),
        }
    }
}

impl Source {
    /// Environment, secrets, parameters.
    fn rank(&self) -> u8 {
        match self {
            Self::Environment => 0,
            Self::Secret { .. } => 1,
            Self::Parameter { .. } => 2,
        }
    }
}

struct Found {
    value: String,
    source: Source,
}

/// What became of a name that Usher asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// `as_name`: the other name it was found under.
    From {
        source: Source,
        as_name: Option<String>,
    },
    /// Not set, and need not be.
    Default,
    Missing,
}

/// All values of this start.
#[derive(Default)]
pub(crate) struct Values {
    found: BTreeMap<String, Vec<Found>>,
    /// What AWS was asked, or why it was not.
    pub aws: String,
    asked: RefCell<BTreeMap<String, Told>>,
}

impl Values {
    /// Of this process's environment, or of what stands for it.
    pub(crate) fn of<N: Into<String>, V: AsRef<str>>(
        environment: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut values = Self { aws: "not asked".to_owned(), ..Self::default() };
        for (name, value) in environment {
            values.add(&name.into(), value.as_ref(), Source::Environment);
        }
        values
    }

    pub(super) fn add(&mut self, name: &str, value: &str, source: Source) {
        let value = value.trim();
        if !value.is_empty() {
            let found = Found { value: value.to_owned(), source };
            self.found.entry(name.to_owned()).or_default().push(found);
        }
    }

    /// The value under this name, or another name of the same thing. Err: there are two, and where.
    pub(super) fn get(&self, name: &str) -> Result<Option<String>, String> {
        let winners: Vec<(&str, &Found)> = names_of(name)
            .flat_map(|name| self.winners(name).map(move |won| (name, won)))
            .collect();
        let Some((found_as, first)) = winners.first() else {
            self.tell(name, Told::Default);
            return Ok(None);
        };
        if winners.iter().any(|(_, other)| other.value != first.value) {
            let places: Vec<String> =
                winners.iter().map(|(name, found)| format!("{name} ({})", found.source)).collect();
            let places = places.join(", ");
            return Err(format!("different values for one thing: {places}; keep one of them"));
        }
        let as_name = (*found_as != name).then(|| (*found_as).to_owned());
        self.tell(name, Told::From { source: first.source.clone(), as_name });
        Ok(Some(first.value.clone()))
    }

    pub(super) fn is_missing(&self, name: &str) {
        self.asked.borrow_mut().insert(name.to_owned(), Told::Missing);
    }

    /// Every name that was asked for, in alphabetical order, and what became of it.
    pub(crate) fn told(&self) -> BTreeMap<String, Told> {
        self.asked.borrow().clone()
    }

    /// How many names of AWS nobody has asked for.
    pub(crate) fn ignored(&self) -> usize {
        let asked = self.asked.borrow();
        let asked: BTreeSet<&str> = asked.keys().flat_map(|name| names_of(name)).collect();
        let theirs = self.found.iter().filter(|(_, found)| {
            found.iter().any(|found| !matches!(found.source, Source::Environment))
        });
        theirs.filter(|(name, _)| !asked.contains(name.as_str())).count()
    }

    /// What the first kind of source that has this name has under it.
    fn winners(&self, name: &str) -> impl Iterator<Item = &Found> {
        let found = self.found.get(name).map(Vec::as_slice).unwrap_or_default();
        let first = found.iter().map(|found| found.source.rank()).min();
        found.iter().filter(move |found| Some(found.source.rank()) == first)
    }

    fn tell(&self, name: &str, told: Told) {
        self.asked.borrow_mut().entry(name.to_owned()).or_insert(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(values: &mut Values, name: &str, value: &str) {
        let source = Source::Parameter { path: format!("/uat/{name}"), region: "r".to_owned() };
        values.add(name, value, source);
    }

    fn secret(values: &mut Values, of: &str, name: &str, value: &str) {
        let source = Source::Secret { name: of.to_owned(), region: "r".to_owned() };
        values.add(name, value, source);
    }

    #[test]
    fn the_environment_comes_before_secrets_and_secrets_before_parameters() {
        let mut values = Values::of([("A", "environment"), ("B", " ")]);
        for name in ["A", "B", "C"] {
            parameter(&mut values, name, "parameter");
            secret(&mut values, "/uat/x", name, "secret");
        }
        parameter(&mut values, "D", "parameter");
        let got = ["A", "B", "C", "D", "E"].map(|name| values.get(name).unwrap_or_default());
        let got = got.map(Option::unwrap_or_default);
        assert_eq!(got, ["environment", "secret", "secret", "parameter", ""]);
    }

    #[test]
    fn two_names_or_two_secrets_that_differ_are_named_and_their_values_are_not() {
        let mut values = Values::of([("HYPER_PAY_TOKEN", "sesame-1")]);
        parameter(&mut values, "HYPERPAY_ACCESS_TOKEN", "sesame-2");
        secret(&mut values, "/uat/x", "DATABASE_URL", "sesame-3");
        secret(&mut values, "/uat/y", "DATABASE_URL", "sesame-4");
        for (name, places) in [
            ("HYPER_PAY_TOKEN", ["HYPER_PAY_TOKEN (environment)", "parameter store /uat/HYPERPAY"]),
            ("DATABASE_URL", ["secrets manager /uat/x (r)", "secrets manager /uat/y (r)"]),
        ] {
            let complaint = values.get(name).err().unwrap_or_default();
            assert!(places.iter().all(|place| complaint.contains(place)), "{complaint}");
            assert!(!complaint.contains("sesame"), "{complaint}");
        }
    }

    #[test]
    fn the_same_value_twice_is_no_conflict_and_other_names_are_counted() {
        let mut values = Values::of([("JWT_SECRET", "same"), ("PATH", "/bin")]);
        parameter(&mut values, "JWT_SECRET_KEY", "same");
        parameter(&mut values, "SOMETHING_ELSE", "x");
        assert_eq!(values.get("JWT_SECRET_KEY"), Ok(Some("same".to_owned())));
        assert_eq!(values.ignored(), 1);
    }
}
