//! What needs attention, as staff are shown it: the list of open cases, asked for over HTTP.

use super::{
    customer::{Answer, in_a_day},
    visit::Visit,
};
use gateway::{Claims, Kind, Status, sign};
use std::collections::BTreeSet;

/// Bare ids of all open cases. None: Usher did not answer.
pub(crate) async fn listed(visit: &Visit) -> Option<BTreeSet<String>> {
    let claims = Claims {
        sub: "checker".to_owned(),
        kind: Kind::Staff,
        status: Status::Active,
        permissions: vec!["cases:read".to_owned()],
        exp: in_a_day(),
    };
    let token = sign(&claims, &visit.system.keys.jwt.clone().into()).unwrap();
    let mut listed = BTreeSet::new();
    let mut before = String::new();
    loop {
        let url = format!("{}/api/v1/cms/cases?state=open{before}", visit.system.gateway);
        let answer = Answer::read(visit.http.get(url).bearer_auth(&token).send().await.ok()?).await;
        let cases = answer.body["cases"].as_array()?;
        let ids = cases.iter().filter_map(|case| case["id"].as_str());
        listed.extend(ids.map(|id| id.rsplit('_').next().unwrap_or_default().to_owned()));
        match answer.body["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return Some(listed),
        }
    }
}
