//! The kiosks: who their terminals belong to, and how they sign in.

use super::{reader::Reader, tickets::pems};
use adapters::nearpay::{self, login};
use schema::timings::Timings;
use std::{collections::BTreeMap, time::Duration};

/// On when its key is set; then its address must be, too. Names that no public document confirms have the documented
/// ones as their defaults.
pub(super) fn nearpay(from: &mut Reader, factor: u32) -> Option<nearpay::Config> {
    let api_key = from.optional("NEARPAY_API_KEY")?;
    let named = |name: &str, usual: &str| from.optional(name).unwrap_or_else(|| usual.to_owned());
    let (key_header, terminals_path, transactions_path) = (
        named("NEARPAY_API_KEY_HEADER", "api-key"),
        named("NEARPAY_TERMINALS_PATH", "terminals"),
        named("NEARPAY_TRANSACTIONS_PATH", "transactions"),
    );
    // Two with a comma between them while they are exchanged. None: no webhook of theirs is taken; payments are found
    // by asking.
    let secrets = from.optional("NEARPAY_WEBHOOK_SECRETS").unwrap_or_default();
    let secrets = secrets.split(',').map(str::trim).filter(|secret| !secret.is_empty());
    let terminal = Timings::default().faster(factor).terminal;
    Some(nearpay::Config {
        base_url: from.required("NEARPAY_BASE_URL", "https://api.nearpay.io/v1/clients-sdk"),
        api_key: api_key.into(),
        key_header,
        terminals_path,
        transactions_path,
        webhook_secrets: secrets.map(Into::into).collect(),
        live: from.optional("NEARPAY_LIVE").is_some(),
        session_life: Duration::from_mins(5) / factor,
        reversal_window: Duration::from_millis(terminal.reversal_ms),
        reversal_answer: Duration::from_millis(terminal.answer_ms),
    })
}

/// On when the private key is set: PEM, by value or as a file's name.
pub(super) fn login(from: &mut Reader) -> Option<login::Config> {
    from.optional("NEARPAY_PRIVATE_KEY")?;
    let keys = pems(from, "NEARPAY_PRIVATE_KEY", "the RSA key that terminals sign in by, as PEM");
    Some(login::Config {
        private_key: keys.into_iter().next()?.into(),
        client_uuid: from.required("NEARPAY_CLIENT_UUID", "the vendor's name for us"),
        terminal_claim: from
            .optional("NEARPAY_TERMINAL_CLAIM")
            .unwrap_or_else(|| "terminal_id".to_owned()),
    })
}

/// `kiosk=TID,kiosk=TID`: which terminal stands at which kiosk.
pub(super) fn terminals(from: &mut Reader) -> BTreeMap<String, String> {
    let said = from.optional("USHER_KIOSK_TERMINALS").unwrap_or_default();
    let mut terminals = BTreeMap::new();
    for pair in said.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let Some((kiosk, terminal)) = pair.split_once('=') else {
            from.complain(format!("USHER_KIOSK_TERMINALS: {pair:?} is not kiosk=terminal"));
            continue;
        };
        if !nearpay::is_terminal(terminal) {
            from.complain(format!(
                "USHER_KIOSK_TERMINALS: kiosk {kiosk:?} has no terminal's number, or one that could be a card's"
            ));
        }
        let taken = terminals.values().any(|other| other == terminal);
        if taken || terminals.insert(kiosk.to_owned(), terminal.to_owned()).is_some() {
            from.complain(format!("USHER_KIOSK_TERMINALS: {pair:?} is of a pair before it"));
        }
    }
    terminals
}

#[cfg(test)]
mod tests {
    use super::{super::values::Values, *};

    fn read(said: &str) -> Option<BTreeMap<String, String>> {
        let values = Values::of([("USHER_KIOSK_TERMINALS", said)]);
        let mut from = Reader::new(&values);
        let terminals = terminals(&mut from);
        from.finish(terminals).ok()
    }

    #[test]
    fn each_kiosk_has_a_terminal_of_its_own() {
        let two = read("lobby-1=0211920800119208, lobby-2=0211920800119209").unwrap();
        assert_eq!(two.get("lobby-2").map(String::as_str), Some("0211920800119209"));
        assert_eq!(read("").unwrap().len(), 0);
        for wrong in [
            "lobby-1",
            "lobby-1=",
            "lobby-1=4111111111111111",
            "a=0211920800119208,a=0211920800119209",
            "a=0211920800119208,b=0211920800119208",
        ] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
