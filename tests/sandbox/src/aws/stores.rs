//! The two stores: what they hold, page by page.

use super::{Contents, Parameter, Refusal, Secret};
use serde_json::{Value, json};

const PARAMETERS_MAX: u64 = 10;
const SECRETS_MAX: u64 = 20;
/// What an encrypted parameter looks like to whoever does not ask for it to be decrypted.
const CIPHERTEXT: &str = "AQICAHhstandin==";

pub(super) fn parameters(
    contents: &Contents,
    region: &str,
    body: &Value,
) -> Result<Value, Refusal> {
    let path = body["Path"].as_str().unwrap_or_default();
    if !path.starts_with('/') {
        return Err(Refusal::new("ValidationException", "a path begins with a slash"));
    }
    let recursive = body["Recursive"] == true;
    let decrypted = body["WithDecryption"] == true;
    let below = format!("{}/", path.trim_end_matches('/'));
    let is_below = |parameter: &&Parameter| {
        let rest = parameter.name.strip_prefix(&below).filter(|_| parameter.region == region);
        rest.is_some_and(|rest| recursive || !rest.contains('/'))
    };
    let found: Vec<&Parameter> = contents.parameters.iter().filter(is_below).collect();
    let (page, next) = page(&found, body, PARAMETERS_MAX, "InvalidNextToken")?;
    let shown = |parameter: &&Parameter| {
        let value = if parameter.secure && !decrypted { CIPHERTEXT } else { &parameter.value };
        let kind = if parameter.secure { "SecureString" } else { "String" };
        json!({ "Name": parameter.name, "Type": kind, "Value": value, "Version": 1 })
    };
    let shown: Vec<Value> = page.iter().map(shown).collect();
    Ok(with_next(json!({ "Parameters": shown }), next))
}

pub(super) fn secrets(contents: &Contents, region: &str, body: &Value) -> Result<Value, Refusal> {
    let filter = &body["Filters"][0];
    let prefixes = filter["Values"].as_array().filter(|_| filter["Key"] == "name");
    let prefixes: Vec<&str> = prefixes.into_iter().flatten().filter_map(Value::as_str).collect();
    if prefixes.is_empty() || prefixes.len() > 10 {
        return Err(Refusal::new("InvalidParameterException", "one to ten names to filter by"));
    }
    let is_asked_for = |secret: &&Secret| {
        let named = prefixes.iter().any(|prefix| secret.name.starts_with(prefix));
        named && secret.region == region
    };
    let found: Vec<&Secret> = contents.secrets.iter().filter(is_asked_for).collect();
    let (page, next) = page(&found, body, SECRETS_MAX, "InvalidNextTokenException")?;
    let (denied, read): (Vec<&Secret>, Vec<&Secret>) =
        page.iter().copied().partition(|secret| secret.denied);
    let values: Vec<Value> = read
        .iter()
        .map(|secret| json!({ "Name": secret.name, "SecretString": secret.value }))
        .collect();
    let errors: Vec<Value> = denied
        .iter()
        .map(|secret| json!({ "SecretId": secret.name, "ErrorCode": "AccessDeniedException" }))
        .collect();
    Ok(with_next(json!({ "SecretValues": values, "Errors": errors }), next))
}

/// A page, and where the next begins. A token is a position: real ones tell nothing.
fn page<'a, T>(
    all: &'a [T],
    body: &Value,
    most: u64,
    wrong_token: &'static str,
) -> Result<(&'a [T], Option<usize>), Refusal> {
    let wished = body["MaxResults"].as_u64().unwrap_or(most);
    if wished == 0 || wished > most {
        return Err(Refusal::new("ValidationException", format!("1 to {most} results a page")));
    }
    let token = body.get("NextToken").filter(|token| !token.is_null());
    let start = token.map_or(Some(0), |token| token.as_str()?.parse().ok());
    let rest = start.and_then(|start: usize| all.get(start..));
    let rest = rest.ok_or_else(|| Refusal::new(wrong_token, "the token is not ours"))?;
    let length = usize::try_from(wished).unwrap_or(usize::MAX).min(rest.len());
    let (page, more) = rest.split_at(length);
    Ok((page, (!more.is_empty()).then_some(all.len() - more.len())))
}

fn with_next(mut page: Value, next: Option<usize>) -> Value {
    if let Some(next) = next {
        page["NextToken"] = json!(next.to_string());
    }
    page
}
