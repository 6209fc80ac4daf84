//! What Apple's sheet gave the app, in `PayFort`'s words ("Apple Pay", Amazon Payment Services): passed on, never read.

use super::requests::Request;
use crate::error::Error;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Apple's `PKPaymentToken` as JSON, or its `paymentData` alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    #[serde(rename_all = "camelCase")]
    Token {
        payment_data: PaymentData,
        payment_method: Option<PaymentMethod>,
    },
    Data(PaymentData),
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
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct PaymentMethod {
    display_name: String,
    network: String,
    r#type: String,
}

/// Adds the wallet's fields. Something that is no token of Apple's is refused here: the vendor is not asked.
pub(super) fn with_token(request: Request, token: &SecretString) -> Result<Request, Error> {
    let given: Given = serde_json::from_str(token.expose_secret())
        .map_err(|_| Error::refused("malformed", "payfort: this is no token of Apple Pay"))?;
    let (data, method) = match given {
        Given::Token { payment_data, payment_method } => (payment_data, payment_method),
        Given::Data(data) => (data, None),
    };
    let Header { ephemeral_public_key, public_key_hash, transaction_id, application_data } =
        data.header;
    let header = [
        ("apple_ephemeralPublicKey", ephemeral_public_key),
        ("apple_publicKeyHash", public_key_hash),
        ("apple_transactionId", transaction_id),
    ];
    let request = request
        .with("digital_wallet", "APPLE_PAY")
        .with("apple_data", data.data)
        .with("apple_signature", data.signature)
        .with("apple_applicationData", application_data.unwrap_or_default())
        .with_nested("apple_header", header);
    let Some(PaymentMethod { display_name, network, r#type }) = method else { return Ok(request) };
    let method =
        [("apple_displayName", display_name), ("apple_network", network), ("apple_type", r#type)];
    Ok(request.with_nested("apple_paymentMethod", method))
}
