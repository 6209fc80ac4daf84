//! Where each value comes from, told to people: its name and its source, never itself.

use super::values::{Told, Values};

/// Whoever holds one of these can do harm. Public halves are none.
const SECRETS: [&str; 9] =
    ["AUTHORIZATIONS", "KEY", "KEYS", "TOKEN", "SECRET", "PASSWORD", "PHRASE", "PEM", "DSN"];
const PUBLIC: [&str; 2] = ["PUBLIC", "IDENTITY"];

/// A table: name, source, whether it is a secret; then what AWS was asked.
pub(crate) fn lines(values: &Values) -> Vec<String> {
    let told = values.told();
    let width = told.keys().map(String::len).max().unwrap_or_default();
    let mut lines: Vec<String> = told
        .iter()
        .map(|(name, told)| {
            let kind = if is_secret(name) { "secret" } else { "plain" };
            format!("{name:width$}  {kind:6}  {}", source(told))
        })
        .collect();
    lines.push(format!("AWS: {}; {} names there are not Usher's", values.aws, values.ignored()));
    lines
}

/// Where each value came from, without the values.
pub(crate) struct Sources {
    names: Vec<(String, String)>,
    aws: String,
    ignored: usize,
}

impl Sources {
    pub(crate) fn of(values: &Values) -> Self {
        let named = values.told().into_iter().map(|(name, told)| (name.clone(), source(&told)));
        Self { names: named.collect(), aws: values.aws.clone(), ignored: values.ignored() }
    }

    /// The same as [`lines`], to the log.
    pub(crate) fn log(&self) {
        for (name, source) in &self.names {
            tracing::info!(name, source, "configuration: {name} from {source}");
        }
        let Self { aws, ignored, .. } = self;
        tracing::info!(ignored, "configuration: AWS: {aws}; {ignored} names ignored");
    }
}

fn source(told: &Told) -> String {
    match told {
        Told::From { source, as_name: None } => source.to_string(),
        Told::From { source, as_name: Some(name) } => format!("{source}, as {name}"),
        Told::Default => "default, or off".to_owned(),
        Told::Missing => "MISSING".to_owned(),
    }
}

fn is_secret(name: &str) -> bool {
    let says = |words: &[&str]| name.split('_').any(|word| words.contains(&word));
    name == "DATABASE_URL" || says(&SECRETS) && !says(&PUBLIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_sources_and_no_value() {
        let values = Values::of([("JWT_SECRET", "sesame")]);
        drop((values.get("JWT_SECRET_KEY"), values.get("USHER_GATEWAY_ADDR")));
        values.is_missing("USHER_ID_KEY");
        let table = lines(&values).join("\n");
        for line in [
            "JWT_SECRET_KEY      secret  environment, as JWT_SECRET",
            "USHER_GATEWAY_ADDR  plain   default, or off",
            "USHER_ID_KEY        secret  MISSING",
        ] {
            assert!(table.contains(line), "{table}");
        }
        assert!(!table.contains("sesame"));
        assert!(!is_secret("USHER_ENGINE_IDENTITY_KEYS") && is_secret("HYPER_PAY_WEBHOOK_KEYS"));
    }
}
