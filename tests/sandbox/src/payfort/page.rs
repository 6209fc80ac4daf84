//! The vendor's pages: where a card becomes a token, and where its holder's bank asks (3-D Secure).

use super::signature::Fields;
use super::tokens::Token;
use super::{PAGE_MS, PayFort};
use crate::ledger::Entry;
use crate::money::decimal;
use crate::vendor::{Moment, Outcome};
use crate::wire::{Answer, Wire, percent_encode};
use data_encoding::HEXLOWER;
use html_escape::{encode_double_quoted_attribute as attribute, encode_text};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What the browser adds after the merchant has signed.
const TYPED_LATER: &[&str] =
    &["card_security_code", "card_number", "expiry_date", "card_holder_name", "remember_me"];

/// A card page that somebody has open.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Page {
    access_code: String,
    return_url: String,
    echo: Map<String, Value>,
    expires_at: i64,
}

/// What the browser takes back to the merchant.
struct Return {
    url: String,
    fields: Map<String, Value>,
}

impl PayFort {
    /// A merchant's page has posted its signed form: the card is asked for.
    pub(super) fn open_page(&mut self, wire: &Wire, moment: &Moment) -> Answer {
        let fields = Fields::form(wire.form().0);
        if let Some(code) = self.refusal_at_the_door(&fields, TYPED_LATER) {
            return Answer::html(400, notice(code));
        }
        if fields.get("service_command") != "TOKENIZATION" {
            return Answer::html(400, notice("00004"));
        }
        let reference = fields.get("merchant_reference").to_owned();
        let page = Page {
            access_code: fields.get("access_code").to_owned(),
            return_url: fields.get("return_url").to_owned(),
            echo: fields.echo(false),
            expires_at: moment.now + moment.clock.shortened(PAGE_MS),
        };
        self.closing.insert((page.expires_at, reference.clone()));
        self.pages.insert(reference.clone(), page);
        self.desk.ledger.write(Entry::new(moment.now, "page", &reference));
        Answer::html(200, card_page(&reference))
    }

    /// The card was typed: the browser takes a token back.
    pub(super) fn submit_card(&mut self, wire: &Wire, reference: &str, moment: &Moment) -> Answer {
        let form = wire.form();
        let Some(outcome) = outcome(form.get("outcome")) else {
            return Answer::text(400, "the outcome is approve, decline or abandon");
        };
        let brand = form.filled("brand").unwrap_or("VISA").to_owned();
        match self.tokenize(reference, (outcome, &brand), moment) {
            Ok(Some(back)) => self.send_back(&back),
            Ok(None) => Answer::html(200, notice("You may close this page.")),
            Err((status, why)) => Answer::html(status, notice(why)),
        }
    }

    fn tokenize(
        &mut self,
        reference: &str,
        (outcome, brand): (Outcome, &str),
        moment: &Moment,
    ) -> Result<Option<Return>, (u16, &'static str)> {
        let page = self.pages.get(reference).cloned().ok_or((404, "there is no such page"))?;
        if moment.fault_is("session_expired") || page.expires_at <= moment.now {
            return Err((410, "this page has expired"));
        }
        if outcome == Outcome::Abandon {
            return Ok(None);
        }
        self.pages.remove(reference);
        let (bin, masked) = match brand {
            "MADA" => ("446404", "446404******0007"),
            "MASTERCARD" => ("512345", "512345******2346"),
            _ => ("400555", "400555******0001"),
        };
        let name = HEXLOWER.encode(&rand::random::<[u8; 16]>());
        let token = Token {
            brand: brand.to_owned(),
            masked: masked.to_owned(),
            refused: outcome == Outcome::Decline,
            reference: reference.to_owned(),
            made_at: moment.now,
            ..Token::default()
        };
        let entry = Entry::new(moment.now, "token", reference).vendor_id(&name);
        self.desk.ledger.write(entry);
        self.tokens.insert(name.clone(), token);
        let mut fields = page.echo;
        for (field, value) in [
            ("token_name", name.as_str()),
            ("card_bin", bin),
            ("card_number", masked),
            ("expiry_date", "3005"),
        ] {
            fields.insert(field.to_owned(), json!(value));
        }
        let fields = self.message(&page.access_code, ("18000", fields), "");
        Ok(Some(Return { url: page.return_url, fields }))
    }

    pub(super) fn show_challenge(&self, reference: &str, moment: &Moment) -> Answer {
        let open = |until: i64| until > moment.now && !moment.fault_is("session_expired");
        match self.orders.get(reference) {
            Some(order) if order.challenged_until.is_some_and(open) => {
                let amount = format!("{} {}", decimal(order.amount), order.currency);
                let path = format!("/payfort/3ds/{}", percent_encode(&order.fort_id));
                Answer::html(200, choices("Your bank asks: is it you?", &amount, &path))
            }
            _ => Answer::html(410, notice("This page is over.")),
        }
    }

    pub(super) fn submit_challenge(
        &mut self,
        wire: &Wire,
        reference: &str,
        moment: &Moment,
    ) -> Answer {
        let Some(outcome) = outcome(wire.form().get("outcome")) else {
            return Answer::text(400, "the outcome is approve, decline or abandon");
        };
        match self.answer_challenge(reference, outcome, moment) {
            Ok(Some(back)) => self.send_back(&back),
            Ok(None) => Answer::html(200, notice("You may close this page.")),
            Err((status, why)) => Answer::html(status, notice(why)),
        }
    }

    fn answer_challenge(
        &mut self,
        reference: &str,
        outcome: Outcome,
        moment: &Moment,
    ) -> Result<Option<Return>, (u16, &'static str)> {
        let order = self.orders.get_mut(reference).ok_or((404, "there is no such order"))?;
        let until = order.challenged_until.ok_or((409, "this order is not asked about"))?;
        if until <= moment.now || moment.fault_is("session_expired") {
            return Err((410, "this page has expired"));
        }
        if outcome == Outcome::Abandon {
            return Ok(None);
        }
        order.challenged_until = None;
        order.refused |= outcome == Outcome::Decline;
        if moment.fault_is("lookup_lag") {
            let visible_from = self.visible_from(moment);
            if let Some(order) = self.orders.get_mut(reference) {
                order.visible_from = visible_from;
            }
        }
        self.take_money(reference, moment);
        let Some(order) = self.orders.get(reference) else { return Ok(None) };
        let fields = (order.code.as_str(), self.order_fields(reference));
        let fields = self.message(&order.access_code, fields, "");
        Ok(Some(Return { url: order.return_url.clone(), fields }))
    }

    /// The control plane's shopper: on the card's page until there is a charge, at their bank from then on.
    pub(super) fn shopper_does(
        &mut self,
        reference: &str,
        outcome: Outcome,
        moment: &Moment,
    ) -> Answer {
        let asked = self.orders.get(reference).is_some_and(|it| it.challenged_until.is_some());
        let done = if asked || !self.pages.contains_key(reference) {
            self.answer_challenge(reference, outcome, moment)
        } else {
            self.tokenize(reference, (outcome, "VISA"), moment)
        };
        let (redirect, fields) = match done {
            Ok(Some(back)) => (Some(back.url), back.fields),
            Ok(None) => (None, Map::new()),
            Err((status, why)) => return Answer::json(status, &json!({"error": why})),
        };
        let order = self.orders.get(reference);
        let id = order.map(|order| order.fort_id.clone());
        let code = fields.get("response_code").cloned();
        let method = self.desk.switches.get("return_method");
        let body = json!({"payment_id": id, "code": code, "redirect": redirect, "method": method,
            "fields": fields});
        Answer::json(200, &body)
    }

    /// The browser goes back to the merchant with what was signed.
    fn send_back(&self, back: &Return) -> Answer {
        if !back.url.starts_with("https://") && !back.url.starts_with("http://") {
            return Answer::html(200, notice("Thank you. You may close this page."));
        }
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let fields = back.fields.iter().map(|(name, value)| (name.as_str(), text(value)));
        if self.desk.switches.get("return_method") == "get" {
            let joint = if back.url.contains('?') { '&' } else { '?' };
            let pairs = fields.map(|(name, value)| format!("{name}={}", percent_encode(&value)));
            let query = pairs.collect::<Vec<_>>().join("&");
            return Answer::see_other(format!("{}{joint}{query}", back.url));
        }
        let input = |(name, value): (&str, String)| {
            let (name, value) = (attribute(name).into_owned(), attribute(&value).into_owned());
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
        };
        let inputs = fields.map(input).collect::<Vec<_>>().concat();
        let action = attribute(&back.url);
        let form = format!(
            "<form method=\"post\" action=\"{action}\">{inputs}<button>Continue</button></form>\
             <script>document.forms[0].submit()</script>"
        );
        Answer::html(200, layout(&form))
    }
}

fn outcome(text: Option<&str>) -> Option<Outcome> {
    match text {
        Some("approve") => Some(Outcome::Approve),
        Some("decline") => Some(Outcome::Decline),
        Some("abandon") => Some(Outcome::Abandon),
        _ => None,
    }
}

fn card_page(reference: &str) -> String {
    let path = format!("/payfort/card/{}", percent_encode(reference));
    choices("A test card is filled in, no money moves. · بطاقة تجريبية", reference, &path)
}

fn choices(title: &str, what: &str, path: &str) -> String {
    let action = attribute(path);
    layout(&format!(
        "<p dir=\"auto\">{}</p><p><strong>{}</strong></p><form method=\"post\" action=\"{action}\">\
         <select name=\"brand\" aria-label=\"Card\"><option>VISA</option><option>MASTERCARD</option>\
         <option>MADA</option></select>\
         <button name=\"outcome\" value=\"approve\">Approve · موافقة</button>\
         <button name=\"outcome\" value=\"decline\">Decline · رفض</button>\
         <button name=\"outcome\" value=\"abandon\">Abandon · إلغاء</button></form>",
        encode_text(title),
        encode_text(what)
    ))
}

fn notice(text: &str) -> String {
    layout(&format!("<p>{}</p>", encode_text(text)))
}

fn layout(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>Secure payment</title></head>\
         <body style=\"font-family:system-ui;margin:4rem auto;max-width:27rem\">{body}</body></html>"
    )
}
