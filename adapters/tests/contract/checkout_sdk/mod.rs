//! The stand-in of Checkout.com, judged by Checkout.com's own client for Node: what a merchant does with it works, and what
//! it takes for a refusal is one.

use crate::{checkout::Checkout, npm::Package, standin::Standin, vendor::Vendor};
use sandbox::CheckoutAccount;
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

const PACKAGE: Package = Package {
    place: "checkout-sdk",
    json: include_str!("package.json"),
    lock: include_str!("package-lock.json"),
};
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/checkout_sdk/drive.mjs");

/// Runs the script beside this file, which ends by itself; what it prints.
fn driven(given: &Value) -> Value {
    let mut node = Command::new("node");
    node.arg(SCRIPT).arg(given.to_string()).stdin(Stdio::null());
    let done = node.output().unwrap();
    let (said, complaint) = (done.stdout, String::from_utf8_lossy(&done.stderr).into_owned());
    assert!(done.status.success(), "{complaint}");
    serde_json::from_slice(&said).unwrap()
}

#[tokio::test]
async fn the_vendors_own_client_finds_all_it_knows() {
    let fetched = tokio::task::spawn_blocking(|| PACKAGE.fetched()).await.unwrap();
    let Some(modules): Option<PathBuf> = fetched else { return };
    let at = Standin::<Checkout>::with(20, |_| {}).await;
    let account = CheckoutAccount::default();
    let given = json!({
        "modules": modules,
        "base": format!("{}/{}", at.base, Checkout::NAME),
        "control": format!("{}/_sim/{}/switches", at.base, Checkout::NAME),
        "secretKey": account.secret_key,
        "publicKey": account.public_key,
        "channel": account.processing_channel,
        "webhookKey": account.webhook_key,
        "webhookAuthorization": account.webhook_authorization,
    });
    let seen = tokio::task::spawn_blocking(move || driven(&given)).await.unwrap();
    assert_eq!(
        seen["taken"],
        json!({
            "made": ["Authorized", true, false],
            "again": true,
            "accepted": [true, true],
            "actions": ["Refund", "Capture", "Authorization"],
            "details": ["Partially Refunded", 10_580, "SAR", 6_580],
            "list": [1, true],
        })
    );
    assert_eq!(
        seen["saved"],
        json!({
            "card": [true, "4242", "Visa"],
            "details": "Voided",
            "late": "ActionNotAllowed action_not_allowed",
            "forgotten": "NotFoundError",
        })
    );
    assert_eq!(seen["challenged"], json!({"made": ["Pending", true], "page": 200}));
    assert_eq!(
        seen["refusals"],
        json!({
            "used": "ValidationError token_used",
            "unknown": "NotFoundError",
            "stranger": "AuthenticationError",
        })
    );
    let events = seen["events"].as_array().unwrap();
    assert!(events.iter().all(|event| event["signed"] == true), "{events:#?}");
    for (kind, reference) in [
        ("payment_approved", "SDK-TAKEN"),
        ("payment_captured", "SDK-TAKEN"),
        ("payment_refunded", "SDK-BACK"),
        ("payment_voided", "SDK-GONE"),
    ] {
        let told = |event: &&Value| event["type"] == kind && event["reference"] == reference;
        assert_eq!(events.iter().filter(told).count(), 1, "{kind} {reference}: {events:#?}");
    }
    assert_eq!(at.did("SDK-TAKEN").await.iter().filter(|kind| *kind == "capture").count(), 1);
}
