//! What all routes share: how they refuse, and who may ask. A new common answer is one line here.

use crate::error::Problem;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Content, Header, HeaderBuilder, Object, OpenApi, Ref, RefOr, Response, ResponseBuilder,
        path::Operation, schema::Type,
    },
};

/// A status that any route of a kind can answer with.
struct Common {
    status: &'static str,
    of: fn(&Operation) -> bool,
    says: &'static str,
}

const COMMON: [Common; 9] = [
    Common {
        status: "400",
        of: |_| true,
        says: "The request is wrong: `code` says what, `detail` what to do.",
    },
    Common { status: "401", of: is_protected, says: "There is no valid token." },
    Common { status: "403", of: |it| has_tag(it, "staff"), says: "The token does not permit it." },
    Common {
        status: "408",
        of: |it| it.request_body.is_some(),
        says: "The body did not come in time. Nothing was done; send the same request again.",
    },
    Common { status: "413", of: |it| it.request_body.is_some(), says: "A body may have 64 KiB." },
    Common {
        status: "415",
        of: |it| it.request_body.is_some(),
        says: "Bodies are plain, not compressed.",
    },
    Common {
        status: "429",
        of: |_| true,
        says: "Too many requests: come back after `Retry-After` seconds. For older apps it carries `message`, too.",
    },
    Common {
        status: "500",
        of: |_| true,
        says: "The mistake is ours. Nothing was promised; send the same request again.",
    },
    Common {
        status: "503",
        of: |_| true,
        says: "Not now: nothing was promised; send the same request again after `Retry-After` seconds.",
    },
];

/// Adds the common answers, and gives every refusal its body and its headers.
pub(super) fn complete(api: &mut OpenApi) {
    for item in api.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
            &mut item.patch,
            &mut item.head,
        ];
        for operation in operations.into_iter().flatten() {
            refuses(operation);
        }
    }
    let components = api.components.get_or_insert_default();
    let mut problem = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut problem);
    components.schemas.extend(problem);
}

fn refuses(operation: &mut Operation) {
    for common in COMMON {
        if !(common.of)(operation) {
            continue;
        }
        let answers = &mut operation.responses.responses;
        let said = || RefOr::T(ResponseBuilder::new().description(common.says).build());
        answers.entry(common.status.to_owned()).or_insert_with(said);
    }
    for (status, answer) in &mut operation.responses.responses {
        let RefOr::T(answer) = answer else { continue };
        if status.starts_with(['4', '5']) {
            explain(status, answer);
        }
    }
}

/// A refusal is a problem document; some say when to come back.
fn explain(status: &str, answer: &mut Response) {
    if answer.content.is_empty() {
        let problem = Ref::from_schema_name(Problem::name().into_owned());
        let content = Content::new(Some(RefOr::Ref(problem)));
        answer.content.insert("application/problem+json".to_owned(), content.into());
    }
    let header = match status {
        "429" | "503" => Some(("Retry-After", Type::Integer, "Seconds.")),
        "401" => Some(("WWW-Authenticate", Type::String, "Bearer.")),
        _ => None,
    };
    if let Some((name, kind, says)) = header {
        answer.headers.entry(name.to_owned()).or_insert_with(|| of(kind, says).into());
    }
}

fn of(kind: Type, says: &str) -> Header {
    let schema = Object::with_type(kind);
    HeaderBuilder::new().schema(Some(schema)).description(Some(says)).build()
}

fn has_tag(operation: &Operation, tag: &str) -> bool {
    operation.tags.iter().flatten().any(|has| has == tag)
}

/// Every route is, unless it says otherwise.
fn is_protected(operation: &Operation) -> bool {
    operation.security.is_none()
}
