//! Whose a card will be, said on the page that it is typed into: its link opens for whoever has it, and nobody shall save
//! their card for somebody else by a link that they were sent.

use crate::app::App;
use adapters::{identity::Answer, masked};
use maud::{Markup, html};

/// The account, as its owner recognises it and nobody else learns it: what the identity service shows of them, masked; or
/// the end of the account's own name.
pub(super) async fn told(app: &App, owner: &str) -> Markup {
    let id = owner.split_once(':').map_or(owner, |(_, id)| id);
    if let Some(shown) = shown(app, id).await.or_else(|| masked::email(id)) {
        return for_whom("the account of", "صاحب الحساب", &shown);
    }
    let end: String = id.chars().skip(id.chars().count().saturating_sub(4)).collect();
    for_whom("the account that ends in", "الحساب المنتهي بـ", &end)
}

/// None: the identity service is silent, or shows nothing of them.
async fn shown(app: &App, id: &str) -> Option<String> {
    let user = match app.identity.as_ref()?.user(id).await {
        Answer::Known(user) | Answer::Silent { before: Some(user) } => user,
        Answer::Unknown | Answer::Silent { before: None } => return None,
    };
    user.recognised_by().map(str::to_owned)
}

fn for_whom(english: &str, arabic: &str, who: &str) -> Markup {
    html! {
        p {
            "The card will be kept for " (english) " " strong { bdi { (who) } } ", who can pay with it. "
            "If that is not you, close this page and type in nothing."
        }
        p lang="ar" dir="rtl" {
            "ستُحفظ البطاقة لصالح " (arabic) " " strong { bdi { (who) } } "، ويمكنه الدفع بها. "
            "إن لم يكن هذا حسابك فأغلق هذه الصفحة ولا تُدخل شيئًا."
        }
    }
}
