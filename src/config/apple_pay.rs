//! Apple Pay on the web: as whom we ask Apple, and for which domain.

use super::{reader::Reader, tickets::pems};
use adapters::apple_pay::{Config, Merchant};
use schema::provider::Provider;
use std::collections::BTreeMap;

/// On when the domain is set. Each vendor that takes Apple Pay has a merchant id, and what proves that it is ours.
pub(super) fn apple_pay(from: &mut Reader) -> Option<Config> {
    let domain = from.optional("APPLE_PAY_DOMAIN_NAME")?;
    let gateway = from.optional("APPLE_PAY_VALIDATE_SESSION_URL");
    let stand_in = from.optional("APPLE_PAY_STAND_IN");
    let seller = from.optional("ZATCA_SELLER_NAME").unwrap_or_default();
    let display_name = from.optional("APPLE_PAY_DISPLAY_NAME").unwrap_or(seller);
    let mut merchants = BTreeMap::new();
    for provider in Provider::ALL {
        let of = provider.name().to_uppercase();
        let Some(id) = from.optional(&format!("APPLE_PAY_MERCHANT_ID_{of}")) else { continue };
        let meaning = "the Merchant Identity certificate and its key, as PEM, one after the other";
        let identity = pems(from, &format!("APPLE_PAY_PEM_{of}"), meaning).into_iter().next()?;
        merchants.insert(provider, Merchant { id, identity: identity.into() });
    }
    let gateway = gateway.unwrap_or_else(|| "https://apple-pay-gateway.apple.com".to_owned());
    Some(Config { gateway, stand_in, display_name, domain, merchants })
}

/// The file that Apple has given us to show, by value or as a file's name.
pub(super) fn domain_association(from: &mut Reader) -> Option<String> {
    let said = from.optional("APPLE_PAY_DOMAIN_ASSOCIATION")?;
    if !said.starts_with(['/', '.']) {
        return Some(said);
    }
    match std::fs::read_to_string(&said) {
        Ok(file) => Some(file),
        Err(error) => {
            from.complain(format!(
                "APPLE_PAY_DOMAIN_ASSOCIATION names a file that cannot be read: {error}"
            ));
            None
        }
    }
}
