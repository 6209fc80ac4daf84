//! What Apple's sheet gave the app, in `PayFort`'s words ("Apple Pay", Amazon Payment Services): passed on, never read.

use super::requests::Request;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Apple's `PKPaymentToken` as JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    payment_data: PaymentData,
    payment_method: PaymentMethod,
}

#[derive(Deserialize)]
struct PaymentData {
    data: String,
    signature: String,
    header: Header,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    ephemeral_public_key: String,
    public_key_hash: String,
    transaction_id: String,
    application_data: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PaymentMethod {
    display_name: String,
    network: String,
    r#type: String,
}

/// Adds the wallet's fields, all that the vendor wants. `None`: this is no token of Apple's, or not a whole one; the vendor
/// is not asked.
pub(super) fn with_token(request: Request, token: &SecretString) -> Option<Request> {
    let Token { payment_data: data, payment_method } =
        serde_json::from_str(token.expose_secret()).ok()?;
    let Header { ephemeral_public_key, public_key_hash, transaction_id, application_data } =
        data.header;
    let header = [
        ("apple_ephemeralPublicKey", ephemeral_public_key),
        ("apple_publicKeyHash", public_key_hash),
        ("apple_transactionId", transaction_id),
    ];
    let PaymentMethod { display_name, network, r#type } = payment_method;
    let method =
        [("apple_displayName", display_name), ("apple_network", network), ("apple_type", r#type)];
    let request = request
        .with("digital_wallet", "APPLE_PAY")
        .with("apple_data", data.data)
        .with("apple_signature", data.signature)
        .with("apple_applicationData", application_data.unwrap_or_default())
        .with_nested("apple_header", header)
        .with_nested("apple_paymentMethod", method);
    Some(request)
}
