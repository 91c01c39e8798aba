//! Credentials of every kind against the simulated tenant: how they sign in, fail, make way and come back.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use ldap365::graph::{self, GraphClient, Link, UserChange};
use ldap365::oauth::{
    self, Authorization, AuthorizeError, Callback, Certificate, Credential, CredentialFault, Error,
    Grant, Keep, KeepError, Poll, Proof, SignIn, Standing, TokenSource,
};
use ldap365::secret::Secret;

use crate::tenant::sample::{self, ADMINISTRATOR};
use crate::tenant::{Decision, Tenant};

/// The permission to read users.
const USERS: &str = "User.Read.All";

/// The tenant, and what the store would hold.
struct World {
    tenant: Tenant,
    sign_in: SignIn,
    http: reqwest::Client,
    vault: Vault,
}

/// Keeps authorizations as bytes, as a store does.
#[derive(Clone, Debug, Default)]
struct Vault(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Vault {
    fn store(&self, name: &str, authorization: &Authorization) {
        let bytes = authorization.to_bytes().to_vec();
        self.0.lock().unwrap().insert(name.to_owned(), bytes);
    }

    fn load(&self) -> BTreeMap<String, Authorization> {
        let stored = self.0.lock().unwrap();
        let load = |(name, bytes): (&String, &Vec<u8>)| {
            (name.clone(), Authorization::from_bytes(bytes).unwrap())
        };
        stored.iter().map(load).collect()
    }
}

impl Keep for Vault {
    fn keep<'a>(
        &'a self,
        name: &'a str,
        authorization: &'a Authorization,
    ) -> Pin<Box<dyn Future<Output = Result<(), KeepError>> + Send + 'a>> {
        self.store(name, authorization);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The daemon's part that reads from Graph.
struct Reader {
    tokens: Arc<TokenSource>,
    graph: GraphClient,
}

impl World {
    async fn new() -> Self {
        let tenant = Tenant::sample().await;
        let settings = oauth::Settings {
            login_url: tenant.login_url().parse().unwrap(),
            graph_url: tenant.graph_url().parse().unwrap(),
            tenant: tenant.domain(),
            ca_file: None,
        };
        let http = oauth::http::client(&settings).unwrap();
        Self {
            tenant,
            sign_in: SignIn::new(&settings, http.clone()),
            http,
            vault: Vault::default(),
        }
    }

    /// A reader that starts with what the vault holds.
    fn start(&self, credentials: &[Credential]) -> Reader {
        let tokens = Arc::new(TokenSource::new(
            self.sign_in.clone(),
            credentials.to_vec(),
            self.vault.load(),
            Box::new(self.vault.clone()),
        ));
        let graph_url = self.tenant.graph_url().parse().unwrap();
        let settings = graph::Settings {
            graph_url,
            mapped_user: Vec::new(),
            mapped_group: Vec::new(),
        };
        Reader {
            graph: GraphClient::new(&settings, self.http.clone(), tokens.clone()),
            tokens,
        }
    }

    /// The app itself, by its secret.
    fn app(&self) -> Credential {
        self.app_with(&self.tenant.client_secret())
    }

    fn app_with(&self, secret: &str) -> Credential {
        credential(
            "app",
            self.tenant.client_id(),
            Grant::App(secret_of(secret)),
        )
    }

    /// An administrator through a public client.
    fn public(&self) -> Credential {
        let client_id = self.tenant.public_client_id();
        credential("public", client_id, Grant::Delegated(None))
    }

    /// An administrator through a confidential client.
    fn confidential(&self) -> Credential {
        let proof = secret_of(&self.tenant.client_secret());
        let client_id = self.tenant.client_id();
        credential("confidential", client_id, Grant::Delegated(Some(proof)))
    }

    /// The administrator signs in for `credential` in a browser and accepts; the vault keeps what comes of it.
    async fn authorize(&self, credential: &Credential) -> Authorization {
        self.tenant.administrator(ADMINISTRATOR);
        let authorization = self.visit(credential).await.unwrap();
        self.vault.store(&credential.name, &authorization);
        authorization
    }

    /// Sends a browser to the sign-in page, and redeems what it brings back.
    async fn visit(&self, credential: &Credential) -> Result<Authorization, AuthorizeError> {
        let redirect = "http://localhost:4711".parse().unwrap();
        let scopes = self.sign_in.scopes(false);
        let pending = self.sign_in.authorize_url(credential, redirect, &scopes);
        let response = self.http.get(pending.url.clone()).send().await.unwrap();
        let location = response.headers()["location"].to_str().unwrap();
        let query = location.split_once('?').unwrap().1;
        let callback = Callback::parse(query);
        self.sign_in.redeem(credential, pending, &callback).await
    }
}

impl Reader {
    /// Reads the first page of users.
    async fn read(&self) -> Result<(), graph::Error> {
        let link: Link = self.graph.users_delta_start();
        self.graph.page::<UserChange>(&link).await.map(drop)
    }

    /// Why the credential at that place fails.
    fn fault(&self, at: usize) -> CredentialFault {
        let state = &self.tokens.states()[at];
        state.failure.as_ref().expect("it fails").fault
    }

    /// The credential that the last page was read with.
    fn in_use(&self) -> Option<String> {
        let states = self.tokens.states();
        let used = states.into_iter().find(|state| state.in_use);
        used.map(|state| state.name)
    }
}

fn credential(name: &str, client_id: String, grant: Grant) -> Credential {
    Credential {
        name: name.to_owned(),
        client_id,
        grant,
    }
}

fn secret_of(secret: &str) -> Proof {
    Proof::Secret(Arc::new(Secret::new(secret.to_owned())))
}

#[tokio::test]
async fn certificate_signs_the_app_in() {
    let world = World::new().await;
    let client_id = world.tenant.client_id();
    world
        .tenant
        .add_certificate(&client_id, sample::certificate_der());
    let certificate = Certificate::from_pem(sample::CERTIFICATE, sample::PRIVATE_KEY).unwrap();
    let proof = Proof::Certificate(Arc::new(certificate));
    let reader = world.start(&[credential("app", client_id, Grant::App(proof))]);
    reader.read().await.unwrap();
    assert_eq!(reader.tokens.states()[0].standing, Standing::Working);
}

#[tokio::test]
async fn certificate_that_was_not_uploaded_is_rejected_by_name() {
    let world = World::new().await;
    world
        .tenant
        .change_registration(|app| app.certificates.clear());
    let certificate = Certificate::from_pem(sample::CERTIFICATE, sample::PRIVATE_KEY).unwrap();
    let proof = Proof::Certificate(Arc::new(certificate));
    let app = credential("certified", world.tenant.client_id(), Grant::App(proof));
    let reader = world.start(&[app, world.app()]);
    reader.read().await.unwrap();
    assert_eq!(reader.fault(0), CredentialFault::CertificateRejected);
    assert_eq!(reader.in_use().as_deref(), Some("app"));
}

#[tokio::test]
async fn administrator_who_signed_in_lends_their_rights_and_is_named() {
    let world = World::new().await;
    let confidential = world.confidential();
    let authorization = world.authorize(&confidential).await;
    assert_eq!(authorization.tid.to_string(), world.tenant.tenant_id());
    assert_eq!(
        authorization.oid.to_string(),
        world.tenant.user_id(ADMINISTRATOR)
    );
    assert!(authorization.has_scope(USERS), "{:?}", authorization.scopes);
    let reader = world.start(&[confidential]);
    reader.read().await.unwrap();
    let state = &reader.tokens.states()[0];
    let by = state.authorized_by.as_ref().unwrap();
    assert_eq!(by.preferred_username.as_deref(), Some(ADMINISTRATOR));
}

#[tokio::test]
async fn refresh_token_is_rotated_and_the_newest_one_survives_a_restart() {
    let world = World::new().await;
    let public = world.public();
    let first = world.authorize(&public).await;
    world
        .start(std::slice::from_ref(&public))
        .read()
        .await
        .unwrap();
    let second = world.vault.load().remove("public").unwrap();
    assert_ne!(second.refresh_token.expose(), first.refresh_token.expose());
    // What was used before is of no more use: only the newest may be.
    let spent = first.refresh_token.expose();
    world.tenant.script_refresh_token(spent, Some(50_173));
    let reader = world.start(&[public]);
    reader.read().await.unwrap();
    let third = world.vault.load().remove("public").unwrap();
    assert_ne!(third.refresh_token.expose(), second.refresh_token.expose());
}

#[tokio::test]
async fn sign_in_to_another_tenant_is_not_taken() {
    let world = World::new().await;
    world.tenant.claim_tenant(ADMINISTRATOR, uuid::Uuid::nil());
    world.tenant.administrator(ADMINISTRATOR);
    let error = world.visit(&world.public()).await.unwrap_err();
    assert!(
        matches!(error, AuthorizeError::AnotherTenant { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn declined_consent_is_called_that() {
    let world = World::new().await;
    world
        .tenant
        .answer_consent(ADMINISTRATOR, Decision::Decline);
    let error = world.visit(&world.public()).await.unwrap_err();
    assert!(matches!(error, AuthorizeError::Declined), "{error}");
}

#[tokio::test]
async fn code_typed_in_elsewhere_authorises_this_host() {
    let world = World::new().await;
    let public = world.public();
    let scopes = world.sign_in.scopes(false);
    let mut device = world.sign_in.device_code(&public, &scopes).await.unwrap();
    let pending = world.sign_in.poll_device(&public, &mut device).await;
    assert!(matches!(pending, Ok(Poll::Pending)));
    world
        .tenant
        .approve_device(&device.user_code, ADMINISTRATOR);
    world.tenant.advance(device.interval);
    let done = world.sign_in.poll_device(&public, &mut device).await;
    let Ok(Poll::Done(authorization)) = done else {
        panic!("{done:?}")
    };
    assert_eq!(authorization.who(), ADMINISTRATOR);
    let reader = world.start(&[public]);
    assert!(reader.read().await.is_err());
    let authorized = reader.tokens.authorize("public", *authorization).await;
    assert!(authorized.unwrap());
    reader.read().await.unwrap();
}

#[tokio::test]
async fn code_nobody_accepts_ends_for_the_reason_there_is() {
    let world = World::new().await;
    let public = world.public();
    let scopes = world.sign_in.scopes(false);
    let mut device = world.sign_in.device_code(&public, &scopes).await.unwrap();
    world.tenant.decline_device(&device.user_code);
    let declined = world.sign_in.poll_device(&public, &mut device).await;
    assert!(
        matches!(declined, Err(AuthorizeError::Declined)),
        "{declined:?}"
    );
    let mut device = world.sign_in.device_code(&public, &scopes).await.unwrap();
    world.tenant.advance(std::time::Duration::from_secs(901));
    let expired = world.sign_in.poll_device(&public, &mut device).await;
    assert!(
        matches!(expired, Err(AuthorizeError::Expired)),
        "{expired:?}"
    );
}

#[tokio::test]
async fn own_change_of_password_revokes_a_public_client_only() {
    let world = World::new().await;
    let (public, confidential) = (world.public(), world.confidential());
    world.authorize(&public).await;
    world.authorize(&confidential).await;
    world.tenant.change_password(ADMINISTRATOR);
    let reader = world.start(&[public, confidential]);
    reader.read().await.unwrap();
    assert_eq!(reader.fault(0), CredentialFault::Revoked);
    assert_eq!(reader.in_use().as_deref(), Some("confidential"));
}

#[tokio::test]
async fn administrators_who_fell_make_way_for_the_reason_there_is() {
    for (fault, fall) in [
        (
            CredentialFault::Revoked,
            Tenant::revoke_sessions as fn(&Tenant, &str),
        ),
        (CredentialFault::AccountDisabled, Tenant::disable),
        (CredentialFault::AccountGone, Tenant::delete),
        (CredentialFault::ConditionalAccess, |tenant, upn| {
            tenant.script_refresh(upn, Some(53_003));
        }),
        (CredentialFault::MfaNeeded, |tenant, upn| {
            tenant.script_refresh(upn, Some(50_076));
        }),
        (CredentialFault::Expired, |tenant, upn| {
            tenant.script_refresh(upn, Some(700_082));
        }),
    ] {
        let world = World::new().await;
        let confidential = world.confidential();
        world.authorize(&confidential).await;
        fall(&world.tenant, ADMINISTRATOR);
        let reader = world.start(&[confidential, world.app()]);
        reader.read().await.unwrap();
        assert_eq!(reader.fault(0), fault);
        assert_eq!(reader.in_use().as_deref(), Some("app"), "{fault:?}");
        let failure = reader.tokens.states()[0].failure.clone().unwrap();
        let command = "run `ldap365 authorize confidential`";
        assert!(failure.to_string().contains(command), "{failure}");
        assert_eq!(world.vault.load().len(), 1, "nothing was forgotten");
    }
}

#[tokio::test]
async fn administrator_who_signs_in_again_takes_the_first_place_back() {
    let world = World::new().await;
    let public = world.public();
    world.authorize(&public).await;
    world.tenant.revoke_sessions(ADMINISTRATOR);
    let reader = world.start(&[public.clone(), world.app()]);
    reader.read().await.unwrap();
    assert_eq!(reader.in_use().as_deref(), Some("app"));
    world.tenant.advance(std::time::Duration::from_secs(1));
    let again = world.authorize(&public).await;
    reader.tokens.authorize("public", again).await.unwrap();
    reader.read().await.unwrap();
    assert_eq!(reader.in_use().as_deref(), Some("public"));
}

#[tokio::test]
async fn wrong_and_expired_secrets_are_told_apart() {
    let world = World::new().await;
    let expired = world.app();
    world.tenant.rotate_client_secret("new");
    let wrong = Credential {
        name: "wrong".to_owned(),
        ..world.app_with("wrong")
    };
    let reader = world.start(&[wrong, expired]);
    let error = reader.read().await.unwrap_err();
    assert!(matches!(error, graph::Error::Token(Error::AllRefused(_))));
    assert_eq!(reader.fault(0), CredentialFault::WrongSecret);
    assert_eq!(reader.fault(1), CredentialFault::SecretExpired);
}

#[tokio::test]
async fn outage_and_throttling_do_not_fail_over() {
    let world = World::new().await;
    let backup = Credential {
        name: "backup".to_owned(),
        ..world.app()
    };
    let reader = world.start(&[world.app(), backup]);
    for (status, fault) in [
        (503, CredentialFault::Outage),
        (429, CredentialFault::Throttled),
    ] {
        world.tenant.fail_sign_in(status, None, 1);
        reader.read().await.unwrap_err();
        assert_eq!(reader.fault(0), fault);
        assert_eq!(reader.tokens.states()[1].standing, Standing::Untried);
    }
    reader.read().await.unwrap();
    assert_eq!(reader.in_use().as_deref(), Some("app"));
}

#[tokio::test]
async fn withdrawn_permission_goes_on_with_the_next_and_comes_back() {
    let world = World::new().await;
    let public = world.public();
    world.authorize(&public).await;
    let reader = world.start(&[world.app(), public]);
    reader.read().await.unwrap();
    let app = world.tenant.client_id();
    world.tenant.withdraw_permission(&app, USERS);
    reader.read().await.unwrap();
    assert_eq!(reader.fault(0), CredentialFault::PermissionMissing);
    assert_eq!(reader.in_use().as_deref(), Some("public"));
    // The backup falls, too: the first is tried again at once, on trial until Graph shows users to it.
    world.tenant.return_permission(&app, USERS);
    world.tenant.revoke_sessions(ADMINISTRATOR);
    world.tenant.revoke_access_tokens();
    reader.read().await.unwrap();
    assert_eq!(reader.in_use().as_deref(), Some("app"));
    assert_eq!(reader.tokens.states()[0].standing, Standing::Working);
}

#[tokio::test]
async fn token_that_expires_between_two_pages_is_replaced() {
    let world = World::new().await;
    let public = world.public();
    world.authorize(&public).await;
    let reader = world.start(&[public]);
    reader.read().await.unwrap();
    world
        .tenant
        .advance(std::time::Duration::from_secs(2 * 3600));
    reader.read().await.unwrap();
    world.tenant.challenge_access_tokens();
    reader.read().await.unwrap();
    assert_eq!(reader.tokens.states()[0].standing, Standing::Working);
}

#[tokio::test]
async fn backups_are_tried_while_nobody_needs_them() {
    let world = World::new().await;
    let public = world.public();
    let first = world.authorize(&public).await;
    let wrong = Credential {
        name: "wrong".to_owned(),
        ..world.app_with("wrong")
    };
    let poor = world.confidential();
    world.authorize(&poor).await;
    let client_id = world.tenant.client_id();
    let reader = world.start(&[public.clone(), wrong, poor.clone()]);
    reader.read().await.unwrap();
    world
        .tenant
        .withdraw_permission(&client_id, "GroupMember.Read.All");
    reader.graph.probe_idle().await;
    assert_eq!(reader.in_use().as_deref(), Some("public"));
    assert_eq!(reader.tokens.states()[0].standing, Standing::Working);
    assert_eq!(reader.fault(1), CredentialFault::WrongSecret);
    assert_eq!(reader.fault(2), CredentialFault::PermissionMissing);

    // The next one finds the backup in order, and uses its refresh token.
    world
        .tenant
        .return_permission(&client_id, "GroupMember.Read.All");
    let held = world.vault.load().remove("confidential").unwrap();
    let reader = world.start(&[world.app(), poor]);
    reader.read().await.unwrap();
    assert_eq!(reader.tokens.states()[1].standing, Standing::Untried);
    reader.graph.probe_idle().await;
    let state = &reader.tokens.states()[1];
    assert_eq!(
        (state.standing, state.in_use),
        (Standing::Working, false),
        "{state:?}"
    );
    let renewed = world.vault.load().remove("confidential").unwrap();
    assert_ne!(renewed.refresh_token.expose(), held.refresh_token.expose());
    assert_ne!(renewed.refresh_token.expose(), first.refresh_token.expose());
    let mark = world.tenant.mark();
    reader.graph.probe_idle().await;
    assert!(world.tenant.requests_since(mark).is_empty(), "once a day");
}
