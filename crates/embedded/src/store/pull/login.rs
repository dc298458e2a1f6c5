//! Gets the right to pull, in the way that the registry asks for.

use http_auth::parser::ChallengeParser;
use inline_runtime::{Credentials, Result};
use oci_client::token_cache::RegistryToken;
use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{RequestBuilder, Response, Url};

use super::error;
use super::registry::Registry;

const MAX_TOKEN_BYTES: usize = 64 << 10;

/// What a registry is shown with each request.
pub(super) enum Login {
    None,
    Password(Credentials),
    Token(RegistryToken),
}

impl Login {
    /// Shows it with a request.
    pub(super) fn add_to(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::None => request,
            Self::Password(login) => with_password(request, login),
            Self::Token(token) => request.bearer_auth(token.token()),
        }
    }
}

/// Asks a registry what it wants to be shown, and gets that.
///
/// # Errors
///
/// - [`Unauthorized`](inline_runtime::ErrorKind::Unauthorized) if a token is refused.
/// - Those of [`Registry::text`].
pub(super) async fn log_in(registry: &Registry<'_>, credentials: Option<&Credentials>) -> Result<Login> {
    let answer = registry.send(registry.request("")).await?;
    match (challenge(&answer), credentials) {
        (Some(Challenge::Token { realm, service }), _) => {
            let address = address(registry, &realm, service.as_deref())?;
            let mut request = registry.client().get(address);
            if let Some(login) = credentials {
                request = with_password(request, login);
            }
            let text = registry.text(request, MAX_TOKEN_BYTES).await?;
            // What the parser says of it could hold the token itself.
            let token = serde_json::from_slice(&text).map_err(|_| error::invalid("its login gives no token"))?;
            Ok(Login::Token(token))
        }
        (Some(Challenge::Password), Some(login)) => Ok(Login::Password(login.clone())),
        (Some(Challenge::Password), None) | (None, _) => Ok(Login::None),
    }
}

enum Challenge {
    Token { realm: String, service: Option<String> },
    Password,
}

/// Returns what the registry asks for: of several the token, since a password is shown to fewer places then.
fn challenge(answer: &Response) -> Option<Challenge> {
    let headers = answer.headers().get_all(WWW_AUTHENTICATE);
    let texts = headers.iter().filter_map(|header| header.to_str().ok());
    let mut challenges: Vec<_> = texts.flat_map(ChallengeParser::new).flatten().collect();
    challenges.sort_by_key(|challenge| !challenge.scheme.eq_ignore_ascii_case("bearer"));
    challenges.iter().find_map(|challenge| {
        let parameter = |name: &str| {
            let mut parameters = challenge.params.iter();
            let found = parameters.find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        if challenge.scheme.eq_ignore_ascii_case("bearer") {
            return Some(Challenge::Token {
                realm: parameter("realm")?,
                service: parameter("service"),
            });
        }
        challenge
            .scheme
            .eq_ignore_ascii_case("basic")
            .then_some(Challenge::Password)
    })
}

fn address(registry: &Registry<'_>, realm: &str, service: Option<&str>) -> Result<Url> {
    let mut address =
        Url::parse(realm).map_err(|error| error::invalid("its login is at no address").with_source(error))?;
    let scope = format!("repository:{}:pull", registry.reference().repository());
    address.query_pairs_mut().append_pair("scope", &scope);
    if let Some(service) = service {
        address.query_pairs_mut().append_pair("service", service);
    }
    Ok(address)
}

fn with_password(request: RequestBuilder, login: &Credentials) -> RequestBuilder {
    request.basic_auth(login.username(), Some(login.expose_password()))
}
