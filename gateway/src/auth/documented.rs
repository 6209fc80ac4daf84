//! For the documentation: the headers that say who asks, and what for.

/// Who asks, and from where; what [`super::Caller`] reads.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it only describes")]
pub(crate) struct CallerHeader {
    /// The kind of app. A kiosk is one by its token, and needs no header.
    #[param(rename = "x-device-platform", inline)]
    platform: Option<AppPlatform>,
    /// The device, under a name that it always has: it counts like a user.
    #[param(rename = "x-device-id", pattern = "^[!-~]{1,128}$")]
    device: Option<String>,
}

#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "it only describes")]
pub(crate) enum AppPlatform {
    Ios,
    Android,
    Website,
    Huawei,
}

/// The caller's name for what it wants; what [`super::IdempotencyKey`] reads.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it only describes")]
pub(crate) struct KeyHeader {
    /// The same key means the same thing, however often it is sent.
    #[param(
        rename = "Idempotency-Key",
        pattern = "^[!#-~]{1,255}$",
        example = "7c0e6b3e-3f0f-4d5a-9d57-1b7a6d0c8f11"
    )]
    key: String,
}
