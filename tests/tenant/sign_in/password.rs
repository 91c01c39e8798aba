//! The resource owner password credentials grant: is this the person's password?

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::super::company::{FirstFactor, SecondFactor, User};
use super::super::token::id_token;
use super::super::world::World;
use super::client::{Client, identify, invalid_scope};
use super::refusal::Refusal;
use super::{Authority, Form};

/// Scopes of OpenID Connect, which need no consent of their own here.
const OPENID_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Tokens for a person, if the password is right and nothing else stands in the way.
///
/// The order of checks: client, person, lockout, password, expiry, disabled, consent, policies. Microsoft
/// documents only that policies come last.
pub fn grant(
    world: &mut World,
    authority: Authority,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Value, Refusal> {
    if authority == Authority::AnyAccount {
        return Err(Refusal::of(9001023));
    }
    let username = form.require("username")?;
    let password = form.require("password")?;
    let client = identify(world, headers, form)?;
    if !client.is_authenticated && !client.registration.allows_public_client {
        return Err(Refusal::of(7000218));
    }
    let user = find(world, username)?;
    check_first_factor(world, &user, password)?;
    if !user.is_enabled() {
        return Err(Refusal::of(50057));
    }
    let scopes = consented(world, &client, form.require("scope")?)?;
    check_policies(&user)?;
    Ok(issue(world, &client, &user, scopes))
}

/// The account called `username`, unless it lives elsewhere.
fn find(world: &World, username: &str) -> Result<User, Refusal> {
    let user = world.company.find_user(username);
    user.filter(|user| !user.is_external()).cloned().ok_or_else(|| {
        let tenant = world.company.tenant_id;
        Refusal::saying(
            50034,
            format!(
                "The user account {{EmailHidden}} does not exist in the {tenant} directory. To sign into this \
                 application, the account must be added to the directory."
            ),
        )
    })
}

fn check_first_factor(world: &mut World, user: &User, password: &str) -> Result<(), Refusal> {
    let scripted = user.account.scripted.map(Refusal::of);
    if let Some(refusal) = scripted.filter(|refusal| !refusal.comes_after_the_password()) {
        return Err(refusal);
    }
    let domain = user.upn().rsplit('@').next().unwrap_or_default();
    let is_federated = world
        .company
        .verified_domain(domain)
        .is_some_and(|domain| domain.is_federated);
    if is_federated && !world.sign_in.checks_federated_passwords {
        // Right or wrong, Entra cannot know: traps 1 and 3 of a first implementation.
        return Err(Refusal::wrong_password_of_federated_user());
    }
    let Some(right) = user.account.first_factor.password() else {
        return Err(Refusal::of(50056));
    };
    let now = world.clock.now();
    let lockout = world.sign_in.lockouts.entry(user.object.id).or_default();
    if lockout.is_locked(now) {
        return Err(Refusal::of(50053));
    }
    // Blanks at either end do not survive this grant at Microsoft, so no such password is ever right.
    if password != right || password.trim() != password {
        lockout.note_failure(password, now);
        return Err(Refusal::of(50126));
    }
    world.sign_in.lockouts.remove(&user.object.id);
    match user.account.first_factor {
        FirstFactor::Expired(_) => Err(Refusal::of(50055)),
        FirstFactor::Password(_) | FirstFactor::NoPassword => Ok(()),
    }
}

/// The scopes asked for, all of them consented to.
fn consented(world: &World, client: &Client, scope: &str) -> Result<BTreeSet<String>, Refusal> {
    let mut granted = BTreeSet::new();
    for scope in scope.split_ascii_whitespace() {
        let of_graph = scope.strip_prefix(&format!("{}/", world.base_url));
        if of_graph.is_none() && scope.contains("://") {
            return Err(invalid_scope(scope));
        }
        let consented = &client.registration.scopes;
        match of_graph.unwrap_or(scope) {
            ".default" => granted.extend(consented.iter().cloned()),
            name if OPENID_SCOPES.contains(&name) || consented.contains(name) => {
                granted.insert(name.to_owned());
            }
            _ => return Err(Refusal::of(65001)),
        }
    }
    // Without any delegated permission the app has no business with the person at all.
    if client.registration.scopes.is_empty() {
        return Err(Refusal::of(65001));
    }
    Ok(granted)
}

fn check_policies(user: &User) -> Result<(), Refusal> {
    if let Some(code) = user.account.scripted {
        return Err(Refusal::of(code));
    }
    match user.account.second_factor {
        SecondFactor::NotAsked => Ok(()),
        SecondFactor::Mfa => Err(Refusal::of(50076)),
        SecondFactor::Blocked => Err(Refusal::of(53003)),
    }
}

fn issue(world: &mut World, client: &Client, user: &User, scopes: BTreeSet<String>) -> Value {
    let lifetime = world.access_tokens.lifetime().as_secs();
    let scope_text: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let mut body = json!({
        "token_type": "Bearer",
        "scope": scope_text.join(" "),
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
    });
    if scopes.contains("openid") {
        body["id_token"] = json!(id_token(&claims(world, client, user)));
    }
    if scopes.contains("offline_access") {
        body["refresh_token"] = json!(world.random_token(200));
    }
    body["access_token"] = json!(world.issue_access_token(BTreeSet::new(), scopes));
    body
}

fn claims(world: &World, client: &Client, user: &User) -> Value {
    let now = world.clock.now().as_second();
    let tenant = world.company.tenant_id;
    let subject = user.account.impersonates.unwrap_or(user.object.id);
    json!({
        "aud": client.registration.client_id,
        "iss": format!("{}/{tenant}/v2.0", world.base_url),
        "iat": now,
        "nbf": now,
        "exp": now + 3900,
        "name": user.object.text("displayName"),
        "oid": subject,
        "preferred_username": user.upn(),
        "rh": "0.simulated",
        "sub": uuid::Uuid::new_v5(&client.registration.client_id, subject.as_bytes()),
        "tid": tenant,
        "uti": "simulated",
        "ver": "2.0",
    })
}
