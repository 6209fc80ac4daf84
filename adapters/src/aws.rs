//! AWS, as far as configuration needs it: pages of the Parameter Store and of the Secrets Manager, decrypted.
//!
//! No AWS SDK: two reads in plain JSON do not weigh up its hundred crates. `object_store`, which stores the tickets,
//! brings what is hard about them: where credentials come from (environment, web identity, ECS, the instance), and the
//! signature. Reads may be repeated: *unavailable* and *unknown* are worth another try, *refused* is not.

use crate::{
    error::Error,
    http::{Answer, Call, Deadline, Http},
};
use object_store::{
    ClientOptions, RetryConfig,
    aws::{AmazonS3Builder, AwsAuthorizer, AwsCredentialProvider},
    client::{HttpRequest, HttpRequestBody},
};
use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(10);
/// The most that each service gives at once.
const PARAMETERS_A_PAGE: u8 = 10;
const SECRETS_A_PAGE: u8 = 20;
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// What AWS calls "slow down".
const THROTTLED: [&str; 4] =
    ["ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"];

/// Where AWS is not where it usually is.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    pub parameters: Option<String>,
    pub secrets: Option<String>,
}

/// A name with its value.
#[derive(Debug)]
pub struct Named {
    pub name: String,
    pub value: SecretString,
}

/// Some of what there is; with `next` there is more.
#[derive(Debug)]
pub struct Page {
    pub found: Vec<Named>,
    pub next: Option<String>,
}

/// The two services in one region.
#[derive(Debug)]
pub struct Aws {
    credentials: AwsCredentialProvider,
    region: String,
    parameters: Http,
    secrets: Http,
}

impl Aws {
    /// Credentials come from wherever AWS's own tools would find them (`AWS_…`, the task's or the instance's role).
    pub fn new(region: &str, endpoints: &Endpoints) -> Result<Self, Error> {
        let retry = RetryConfig {
            max_retries: 2,
            retry_timeout: Duration::from_secs(5),
            ..RetryConfig::default()
        };
        let options = ClientOptions::new().with_allow_http(true).with_timeout(WITHIN / 3);
        let store = AmazonS3Builder::from_env()
            .with_region(region)
            .with_bucket_name("none")
            .with_client_options(options)
            .with_retry(retry)
            .build()
            .map_err(|error| Error::refused("configuration", format!("aws: {error}")))?;
        let usual = |service: &str| format!("https://{service}.{region}.amazonaws.com");
        let at = |own: &Option<String>, service| own.clone().unwrap_or_else(|| usual(service));
        Ok(Self {
            credentials: store.credentials().clone(),
            region: region.to_owned(),
            parameters: Http::trusted("aws", &at(&endpoints.parameters, "ssm"))?,
            secrets: Http::trusted("aws", &at(&endpoints.secrets, "secretsmanager"))?,
        })
    }

    /// Parameters below this path, however deep, by their full names.
    pub async fn parameters(&self, path: &str, next: Option<&str>) -> Result<Page, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Found {
            parameters: Vec<Parameter>,
            next_token: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Parameter {
            name: String,
            value: String,
        }
        let body = json!({
            "Path": path, "Recursive": true, "WithDecryption": true, "MaxResults": PARAMETERS_A_PAGE,
        });
        let operation = "GetParametersByPath";
        let found: Found = self.ask(Service::Parameters, operation, body, next).await?;
        let named = |Parameter { name, value }| Named { name, value: value.into() };
        let found_here = found.parameters.into_iter().map(named).collect();
        Ok(Page { found: found_here, next: found.next_token })
    }

    /// Secrets whose names begin with one of these. One that cannot be read fails the page. Binary secrets are left out.
    pub async fn secrets(&self, prefixes: &[String], next: Option<&str>) -> Result<Page, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Found {
            secret_values: Vec<Secret>,
            #[serde(default)]
            errors: Vec<Failed>,
            next_token: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Secret {
            name: String,
            secret_string: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Failed {
            secret_id: String,
            error_code: String,
        }
        let body = json!({
            "Filters": [{"Key": "name", "Values": prefixes}], "MaxResults": SECRETS_A_PAGE,
        });
        let operation = "BatchGetSecretValue";
        let found: Found = self.ask(Service::Secrets, operation, body, next).await?;
        if let Some(Failed { secret_id, error_code }) = found.errors.into_iter().next() {
            let reason = format!("aws {operation}: {secret_id}: {error_code}");
            return Err(Error::refused(error_code, reason));
        }
        let readable = found.secret_values.into_iter().filter_map(|secret| {
            Some(Named { name: secret.name, value: secret.secret_string?.into() })
        });
        Ok(Page { found: readable.collect(), next: found.next_token })
    }

    async fn ask<T: for<'a> Deserialize<'a>>(
        &self,
        service: Service,
        operation: &'static str,
        mut body: Value,
        next: Option<&str>,
    ) -> Result<T, Error> {
        if let Some(next) = next {
            body["NextToken"] = json!(next);
        }
        let (http, target) = match service {
            Service::Parameters => (&self.parameters, "AmazonSSM"),
            Service::Secrets => (&self.secrets, "secretsmanager"),
        };
        let headers =
            self.sign(service, http.base_url(), &format!("{target}.{operation}"), &body).await?;
        let call = Call::post(operation, "", body).signed(headers);
        read(operation, &http.send(call, Deadline::after(WITHIN)).await?)
    }

    /// The headers that say who asks for what, in the name of our credentials.
    async fn sign(
        &self,
        service: Service,
        base_url: &str,
        target: &str,
        body: &Value,
    ) -> Result<HeaderMap, Error> {
        let broken = |why: String| Error::refused("configuration", format!("aws: {why}"));
        let credential = tokio::time::timeout(WITHIN, self.credentials.get_credential()).await;
        let credential = credential
            .map_err(|_| broken("no credentials were found in time".to_owned()))?
            .map_err(|error| broken(format!("no credentials: {error}")))?;
        let bytes = serde_json::to_vec(body).map_err(|error| broken(error.to_string()))?;
        let mut request = HttpRequest::new(HttpRequestBody::from(bytes));
        *request.method_mut() = Method::POST;
        *request.uri_mut() =
            format!("{base_url}/").parse().map_err(|_| broken("not an address".to_owned()))?;
        let target = HeaderValue::from_str(target).map_err(|error| broken(error.to_string()))?;
        request.headers_mut().insert(TARGET, target);
        let json = HeaderValue::from_static("application/x-amz-json-1.1");
        request.headers_mut().insert(CONTENT_TYPE, json);
        AwsAuthorizer::new(&credential, service.name(), &self.region)
            .try_authorize(&mut request, None)
            .map_err(|error| broken(error.to_string()))?;
        Ok(request.headers().clone())
    }
}

#[derive(Clone, Copy)]
enum Service {
    Parameters,
    Secrets,
}

impl Service {
    /// As signatures name it.
    fn name(self) -> &'static str {
        match self {
            Self::Parameters => "ssm",
            Self::Secrets => "secretsmanager",
        }
    }
}

/// What AWS answered. Its refusals name roles and resources, never values.
fn read<T: for<'a> Deserialize<'a>>(operation: &str, answer: &Answer) -> Result<T, Error> {
    #[derive(Default, Deserialize)]
    struct Refusal {
        #[serde(rename = "__type", default)]
        kind: String,
        #[serde(default, alias = "Message")]
        message: String,
    }
    let status = answer.status;
    if status.is_success() {
        return answer
            .json()
            .map_err(|error| Error::refused("unreadable", format!("aws {operation}: {error}")));
    }
    let Refusal { kind, message } = answer.json().unwrap_or_default();
    let kind = kind.rsplit('#').next().unwrap_or_default();
    let reason = format!("aws {operation}: HTTP {} {kind} {message}", status.as_u16());
    if THROTTLED.contains(&kind) || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Error::unavailable(reason));
    }
    if status.is_server_error() {
        return Err(Error::unknown(reason));
    }
    Err(Error::refused(kind, reason))
}
