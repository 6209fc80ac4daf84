//! The configuration, as operations has it: some in the environment, some in AWS under another name, some nowhere.

use harness::{Order, Setup, System, until, usher, visit_with};
use sandbox::aws::{Aws, Contents, KEY_ID, Mishap, Parameter, Secret};
use serde_json::json;
use std::{collections::BTreeMap, process::Output};
use tokio::{net::TcpListener, process::Command};

const HOME: &str = "me-south-1";
const ABROAD: &str = "eu-west-1";

/// Values that nobody may see.
const TOKEN: &str = "sesame-token-of-more-than-32-letters";
const PASSWORD: &str = "sesame-password";

fn parameter(name: &str, value: &str) -> Parameter {
    let (name, value) = (name.to_owned(), value.to_owned());
    Parameter { region: HOME, name, value, secure: false }
}

fn secure(name: &str, value: &str) -> Parameter {
    Parameter { secure: true, ..parameter(name, value) }
}

fn secret(region: &'static str, name: &str, value: &str) -> Secret {
    Secret { region, name: name.to_owned(), value: value.to_owned(), denied: false }
}

/// All that Usher needs, spread as operations spreads it, beside much that is not Usher's.
fn contents() -> Contents {
    let mut parameters: Vec<Parameter> = (0..23)
        .map(|number| parameter(&format!("/uat/service-{number}/THEIR_SETTING_{number}"), "x"))
        .collect();
    parameters.extend([
        parameter("/uat/VISTA_BASE_URL", "http://127.0.0.1:1/WSVistaWebClient"),
        secure("/uat/vista/VISTA_API_KEY", TOKEN),
        parameter("/uat/RESTATE_INGRESS_URL", "http://127.0.0.1:1"),
        parameter("/uat/RESTATE_ADMIN_URL", "http://127.0.0.1:1"),
        parameter("/uat/USHER_PUBLIC_URL", "https://uat.example"),
        parameter("/uat/BOOKING_EXPIRY_MINUTES", "12"),
        parameter("/uat/USHER_ENGINE_IDENTITY_KEYS", "publickeyv1_x"),
        parameter("/production/BOOKING_EXPIRY_MINUTES", "15"),
    ]);
    let payment = json!({
        "HYPERPAY_ACCESS_TOKEN": TOKEN, "HYPER_PAY_WEBHOOK_KEYS": "00".repeat(32),
        "HYPER_PAY_BASE_URL": "http://127.0.0.1:1", "HYPER_PAY_ENTITY_ID": "e",
    });
    let secrets = vec![
        secret(
            HOME,
            "/uat/DATABASE_URL",
            &format!("postgres://usher:{PASSWORD}@127.0.0.1:1/usher"),
        ),
        secret(HOME, "uat/identity", &json!({ "JWT_SECRET": TOKEN }).to_string()),
        secret(ABROAD, "/uat/payment", &payment.to_string()),
        secret(HOME, "prod/DATABASE_URL", "postgres://production"),
    ];
    Contents { parameters, secrets }
}

/// Usher's environment, with AWS's stand-in in it.
struct Operator(BTreeMap<&'static str, String>);

impl Operator {
    fn of(aws: &Aws) -> Self {
        let set = [
            ("SSM_REGION", HOME.to_owned()),
            ("NODE_ENV", "uat".to_owned()),
            ("USHER_SECRETS_REGIONS", format!("{HOME}, {ABROAD}")),
            ("AWS_ENDPOINT_URL", aws.url.clone()),
            ("AWS_ACCESS_KEY_ID", KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "sesame-aws".to_owned()),
            ("USHER_ID_KEY", "ab".repeat(32)),
            ("IDENTITY_BASE_URL", "off".to_owned()),
            ("ZATCA_SELLER_NAME", "Cinema".to_owned()),
            ("ZATCA_VAT_NUMBER", "300000000000003".to_owned()),
            ("S3_BUCKET", "tickets".to_owned()),
        ];
        Self(set.into())
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.insert(name, value.to_owned());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// What the program said, and whether it went well. It never says a value.
    async fn runs(&self, words: &[&str]) -> (bool, String) {
        let output = Command::new(usher()).args(words).env_clear().envs(&self.0).output().await;
        let Output { status, stdout, stderr } = output.unwrap();
        let said = [stdout, stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        assert!(!said.contains("sesame"), "a value was told: {said}");
        (status.success(), said)
    }

    /// It does not start, and says why in one sentence that has all of this in it.
    async fn is_refused(&self, whys: &[&str]) {
        for command in ["serve", "migrate", "config"] {
            let (well, said) = self.runs(&[command]).await;
            assert!(!well, "{command} went well: {said}");
            for why in whys {
                assert!(said.contains(why), "{why} is not in what {command} said: {said}");
            }
        }
    }
}

#[tokio::test]
async fn every_value_is_found_in_any_of_three_places_and_only_its_source_is_told() {
    let aws = Aws::open(contents()).await.unwrap();
    let (well, said) = Operator::of(&aws).runs(&["config"]).await;
    assert!(well, "{said}");
    for (name, source) in [
        ("USHER_ID_KEY", "secret  environment"),
        ("DATABASE_URL", "secret  secrets manager /uat/DATABASE_URL (me-south-1)"),
        ("JWT_SECRET_KEY", "secret  secrets manager uat/identity (me-south-1), as JWT_SECRET"),
        ("HYPER_PAY_TOKEN", "secret  secrets manager /uat/payment (eu-west-1), as HYPERPAY_ACCESS"),
        ("VISTA_API_KEY", "secret  parameter store /uat/vista/VISTA_API_KEY (me-south-1)"),
        ("BOOKING_EXPIRY_MINUTES", "plain   parameter store /uat/BOOKING_EXPIRY_MINUTES"),
        ("MAX_SEATS_PER_BOOKING", "plain   default, or off"),
    ] {
        let line = said.lines().find(|line| line.starts_with(&format!("{name} ")));
        assert!(line.is_some_and(|line| line.contains(source)), "{name}: {line:?}");
    }
    assert!(said.contains("23 names there are not Usher's"), "{said}");
    let pages = ["GetParametersByPath me-south-1"; 3].into_iter();
    let secrets = ["BatchGetSecretValue me-south-1", "BatchGetSecretValue eu-west-1"];
    assert_eq!(aws.calls(), pages.chain(secrets).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_environment_overrides_aws_under_the_same_name_only() {
    let aws = Aws::open(contents()).await.unwrap();
    let operator = Operator::of(&aws).with("BOOKING_EXPIRY_MINUTES", "9");
    let (well, said) = operator.runs(&["config"]).await;
    let line = said.lines().find(|line| line.starts_with("BOOKING_EXPIRY_MINUTES"));
    assert!(well && line.is_some_and(|line| line.ends_with("environment")), "{said}");

    let other_name = Operator::of(&aws).with("HYPER_PAY_TOKEN", "sesame-other");
    for command in ["config", "serve"] {
        let (well, said) = other_name.runs(&[command]).await;
        let both = ["HYPER_PAY_TOKEN (environment)", "HYPERPAY_ACCESS_TOKEN (secrets manager"];
        assert!(!well && both.iter().all(|name| said.contains(name)), "{said}");
    }
}

#[tokio::test]
async fn what_is_missing_is_named_all_at_once() {
    let aws = Aws::open(Contents::default()).await.unwrap();
    let operator = Operator::of(&aws).without("USHER_ID_KEY");
    let names = [
        "DATABASE_URL",
        "RESTATE_INGRESS_URL",
        "USHER_ENGINE_IDENTITY_KEYS",
        "USHER_ID_KEY",
        "JWT_PUBLIC_KEY",
        "VISTA_BASE_URL",
        "VISTA_KIOSK_TOKEN",
    ];
    for command in ["config", "serve"] {
        let (well, said) = operator.runs(&[command]).await;
        let all = names.iter().all(|name| said.contains(&format!("{name} is missing")));
        assert!(!well && all, "{said}");
    }
}

#[tokio::test]
async fn a_busy_or_broken_aws_is_asked_again_and_a_refusal_stops_the_start() {
    let aws = Aws::open(contents()).await.unwrap();
    aws.goes_wrong(&[Mishap::Throttled, Mishap::Broken, Mishap::Throttled]);
    let (well, said) = Operator::of(&aws).runs(&["config"]).await;
    assert!(well, "{said}");
    assert_eq!(aws.calls().len(), 5 + 3);

    aws.goes_wrong(&[Mishap::Denied; 3]);
    let whys = ["the parameter store in me-south-1", "AccessDeniedException", "role/usher"];
    Operator::of(&aws).is_refused(&whys).await;
    aws.goes_wrong(&[Mishap::Garbled; 3]);
    Operator::of(&aws).is_refused(&["the parameter store in me-south-1", "unreadable"]).await;
    aws.never_ends();
    Operator::of(&aws).is_refused(&["more than 100 pages"]).await;
}

#[tokio::test]
async fn a_secret_that_may_be_listed_but_not_read_stops_the_start() {
    let mut contents = contents();
    contents.secrets[2].denied = true;
    let aws = Aws::open(contents).await.unwrap();
    Operator::of(&aws).is_refused(&["/uat/payment", "AccessDeniedException", ABROAD]).await;
}

#[tokio::test]
async fn aws_is_not_asked_without_knowing_who_asks_and_whose_values() {
    let aws = Aws::open(contents()).await.unwrap();
    Operator::of(&aws).without("NODE_ENV").is_refused(&["NODE_ENV is missing"]).await;
    let nobody = Operator::of(&aws).without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY");
    // Where an instance's role would be asked for, there is nobody.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = nobody.with("AWS_METADATA_ENDPOINT", &format!("http://{gone}"));
    nobody.is_refused(&["no credentials"]).await;
    for (name, value) in [("NODE_ENV", "local"), ("SSM_REGION", "")] {
        let (well, said) = Operator::of(&aws).with(name, value).runs(&["config"]).await;
        assert!(!well && said.contains("AWS: not asked"), "{said}");
    }
    assert_eq!(aws.calls(), Vec::<String>::new());
}

/// The names that this system has from AWS alone.
const FROM_AWS: [&str; 6] = [
    "HYPER_PAY_TOKEN",
    "VISTA_IOS_TOKEN",
    "VISTA_ANDROID_TOKEN",
    "VISTA_WEBSITE_TOKEN",
    "VISTA_HUAWEI_TOKEN",
    "VISTA_KIOSK_TOKEN",
];

#[tokio::test]
async fn a_system_whose_tokens_come_from_aws_books_a_ticket_and_logs_where_they_came_from() {
    let payment = json!({ "HYPERPAY_ACCESS_TOKEN": sandbox::DEFAULT_TOKEN }).to_string();
    let platforms = ["IOS", "ANDROID", "WEBSITE", "HUAWEI", "KIOSK"];
    let token = |platform: &str| {
        secure(
            &format!("/uat/VISTA_{platform}_TOKEN"),
            &format!("vista-{}", platform.to_lowercase()),
        )
    };
    let contents = Contents {
        parameters: platforms.map(token).to_vec(),
        secrets: vec![secret(ABROAD, "/uat/payment", &payment)],
    };
    let aws = Aws::open(contents).await.unwrap();
    let with = Operator::of(&aws).without("USHER_ID_KEY").0.into_iter().collect();
    let without = FROM_AWS.to_vec();
    let visit = visit_with(Setup { with, without, ..Setup::default() }).await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    booking.pays().await;
    booking.until_ticket().await;
    visit.assert_balanced().await;
    let log = log_of(&visit.system);
    for source in ["parameter store /uat/VISTA_KIOSK_TOKEN", "secrets manager /uat/payment"] {
        until(source, || async { log().contains(source).then_some(()) }).await;
    }
    for secret in visit.system.secrets().into_iter().chain(["sesame-aws".to_owned()]) {
        assert!(!log().contains(&secret), "{secret} is in the log");
    }
}

fn log_of(system: &System) -> impl Fn() -> String {
    || std::fs::read_to_string(system.log()).unwrap_or_default()
}
