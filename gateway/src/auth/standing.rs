//! What the identity service says of somebody now, beside what their token said when it was made.

use super::{Bearer, Kind};
use crate::app::App;
use adapters::identity::{Answer, User};
use chrono::{DateTime, Utc};

/// How somebody stands.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
    /// Active, with these permissions: the service's, if it keeps them, else the token's.
    Good { permissions: Vec<String> },
    /// Unknown there, not active, or the token was revoked.
    Refused,
    /// The service is silent. What it said before still counts, if anything; else the token's permissions.
    Silent { permissions: Vec<String> },
}

/// Asks, or remembers for at most a minute.
pub(crate) async fn standing(app: &App, bearer: &Bearer) -> Standing {
    let Some(identity) = &app.identity else {
        // Configured away, on purpose: tokens alone are believed.
        return Standing::Good { permissions: bearer.claims.permissions.clone() };
    };
    let token = || bearer.claims.permissions.clone();
    match identity.user(&bearer.claims.sub).await {
        Answer::Known(user) if revokes(&user, bearer) => Standing::Refused,
        Answer::Known(user) => {
            Standing::Good { permissions: user.permissions.clone().unwrap_or_else(token) }
        }
        // Guests and kiosks have tokens, and need not be anybody there.
        Answer::Unknown => match bearer.claims.kind {
            Kind::Guest | Kind::Kiosk => Standing::Good { permissions: token() },
            Kind::Customer | Kind::Staff => Standing::Refused,
        },
        Answer::Silent { before: Some(user) } if revokes(&user, bearer) => Standing::Refused,
        Answer::Silent { before } => {
            let before = before.and_then(|user| user.permissions.clone());
            Standing::Silent { permissions: before.unwrap_or_else(token) }
        }
    }
}

fn revokes(user: &User, bearer: &Bearer) -> bool {
    let made = bearer.iat.and_then(|made| i64::try_from(made).ok());
    let made = made.and_then(|made| DateTime::<Utc>::from_timestamp(made, 0));
    // A token that does not say when it was made cannot show that it is younger.
    let too_old = user.revoked_before.is_some_and(|since| made.is_none_or(|made| made < since));
    let by_name = bearer.jti.as_ref().is_some_and(|jti| user.revoked_tokens.contains(jti));
    !user.is_active() || too_old || by_name
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Claims, Status},
        *,
    };

    #[test]
    fn a_revocation_counts_for_tokens_made_before_it_and_for_those_it_names() {
        let bearer = |iat, jti: Option<&str>| {
            let (sub, kind, status) = ("1".to_owned(), Kind::Customer, Status::Active);
            let claims = Claims { sub, kind, status, permissions: Vec::new(), exp: 0 };
            Bearer { claims, iat, jti: jti.map(str::to_owned) }
        };
        let user = User {
            status: "ACTIVE".to_owned(),
            revoked_before: DateTime::from_timestamp(1_000, 0),
            revoked_tokens: vec!["stolen".to_owned()],
            permissions: None,
            email: None,
            phone: None,
            name: None,
        };
        assert!(revokes(&user, &bearer(Some(999), None)));
        assert!(!revokes(&user, &bearer(Some(1_000), None)));
        assert!(revokes(&user, &bearer(None, None)), "it does not say how old it is");
        assert!(revokes(&user, &bearer(Some(1_001), Some("stolen"))));
        let gone = User { status: "BLOCKED".to_owned(), ..user };
        assert!(revokes(&gone, &bearer(Some(1_001), None)));
    }
}
