//! What to do in Microsoft's portal, in the words that stand there.

use std::fmt;

use serde::Serialize;

use super::draft::{CREDENTIAL, Cloud, Draft, Kind};

/// A self-signed certificate as Microsoft takes it, for two years.
pub(super) const OPENSSL: &str = "openssl req -x509 -newkey rsa:3072 -sha256 -nodes -days 730 -subj /CN=ldap365 \
                       -keyout app.key -out app.pem && chmod 600 app.key";

/// The steps of an app registration, in order.
#[derive(Debug, Serialize)]
pub(super) struct Steps {
    steps: Vec<String>,
}

impl Steps {
    /// The steps for a tenant's cloud and a kind of credential.
    pub(super) fn of(cloud: Cloud, kind: Kind, draft: &Draft) -> Self {
        let is_confidential = draft.secret_file.is_some();
        let mut steps = vec![register(cloud), permissions(kind), consent(kind)];
        match kind {
            Kind::Certificate => steps.push(certificate()),
            Kind::Secret => steps.push(secret()),
            Kind::Delegated if is_confidential => steps.push(secret()),
            Kind::Delegated => {}
        }
        steps.push(public_client(kind));
        if kind == Kind::Delegated {
            steps.push(redirect(is_confidential));
        }
        Self { steps }
    }
}

fn register(cloud: Cloud) -> String {
    format!(
        "Open {}, \"Microsoft Entra ID\", \"App registrations\", \"New registration\". Name: ldap365. Supported \
         account types: \"Accounts in this organizational directory only\". No redirect URI. Press \"Register\". The \
         overview shows the \"Application (client) ID\", which is asked for below.",
        cloud.portal()
    )
}

fn permissions(kind: Kind) -> String {
    match kind {
        Kind::Certificate | Kind::Secret => {
            "\"API permissions\", \"Add a permission\", \"Microsoft Graph\", \"Application permissions\": User.Read.All \
             and GroupMember.Read.All; also Member.Read.Hidden if groups that hide their members matter. Leave the \
             delegated User.Read, which is there already: people's passwords are checked with it."
        }
        Kind::Delegated => {
            "\"API permissions\", \"Add a permission\", \"Microsoft Graph\", \"Delegated permissions\": openid, profile, \
             offline_access, User.Read.All and GroupMember.Read.All; also Member.Read.Hidden if groups that hide their \
             members matter. Leave User.Read, which is there already: it tells who signed in."
        }
    }
    .to_owned()
}

fn consent(kind: Kind) -> String {
    match kind {
        Kind::Certificate | Kind::Secret => {
            "On the same page press \"Grant admin consent\". For application permissions this takes a Global \
             Administrator or Privileged Role Administrator; a Cloud Application Administrator cannot."
        }
        Kind::Delegated => {
            "On the same page press \"Grant admin consent\". For delegated permissions this takes a Global \
             Administrator, Privileged Role Administrator, Application Administrator or Cloud Application \
             Administrator."
        }
    }
    .to_owned()
}

fn certificate() -> String {
    format!(
        "Make a certificate on this host, or have your own authority make one (RSA, 2048 bits or more):\n{OPENSSL}\n\
         \"Certificates & secrets\", \"Certificates\", \"Upload certificate\": upload app.pem. The key, app.key, never \
         leaves this host."
    )
}

fn secret() -> String {
    "\"Certificates & secrets\", \"Client secrets\", \"New client secret\". Copy the column \"Value\", which is shown \
     this once, and not \"Secret ID\". Note when it expires: Microsoft does not tell ldap365."
        .to_owned()
}

fn public_client(kind: Kind) -> String {
    let purpose = match kind {
        Kind::Certificate | Kind::Secret => "people can then bind with their passwords",
        Kind::Delegated => {
            "people can then bind with their passwords, and the sign-in with a device code works"
        }
    };
    format!(
        "\"Authentication\", \"Advanced settings\", \"Allow public client flows\": Yes, and \"Save\"; {purpose}."
    )
}

fn redirect(is_confidential: bool) -> String {
    let platform = if is_confidential {
        "Web"
    } else {
        "Mobile and desktop applications"
    };
    format!(
        "Only for `ldap365 authorize {CREDENTIAL} --browser`: \"Authentication\", \"Add a platform\", \"{platform}\", \
         redirect URI http://localhost"
    )
}

/// What is left to do once the file is written.
pub(super) fn afterwards(kind: Kind, config: &str) -> String {
    let check = format!("ldap365 --config {config} check");
    match kind {
        Kind::Certificate | Kind::Secret => format!("Next: {check}"),
        Kind::Delegated => format!(
            "Next: ldap365 --config {config} authorize {CREDENTIAL}\n\
             Any member of the tenant can sign in there once consent is given, unless the tenant restricts who may \
             read the directory. Global administrator, or Cloud application administrator together with User \
             administrator, is always enough.\nThen: {check}"
        ),
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Register an app for ldap365:")?;
        for (number, step) in (1..).zip(&self.steps) {
            write!(f, "\n{number}. {}", step.replace('\n', "\n   "))?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(cloud: Cloud, kind: Kind) -> String {
        Steps::of(cloud, kind, &Draft::default()).to_string()
    }

    #[test]
    fn each_kind_has_the_permissions_and_consent_it_needs() {
        let app = text(Cloud::Global, Kind::Certificate);
        assert!(
            app.contains("\"Application permissions\": User.Read.All and GroupMember.Read.All"),
            "{app}"
        );
        assert!(
            app.contains("a Cloud Application Administrator cannot"),
            "{app}"
        );
        assert!(app.contains("openssl req -x509"), "{app}");
        let delegated = text(Cloud::Global, Kind::Delegated);
        for part in [
            "\"Delegated permissions\"",
            "offline_access",
            "or Cloud Application",
            "http://localhost",
        ] {
            assert!(delegated.contains(part), "{part}: {delegated}");
        }
        assert!(!delegated.contains("Client secrets"), "{delegated}");
        let secret = text(Cloud::Global, Kind::Secret);
        assert!(
            secret.contains("\"Value\"") && secret.contains("not \"Secret ID\""),
            "{secret}"
        );
    }

    #[test]
    fn each_cloud_has_its_portal() {
        for (cloud, portal) in [
            (Cloud::Global, "https://portal.azure.com"),
            (Cloud::UsGov, "https://portal.azure.us"),
            (Cloud::UsGovDod, "https://portal.azure.us"),
            (Cloud::China, "https://portal.azure.cn"),
        ] {
            assert!(text(cloud, Kind::Secret).contains(&format!("Open {portal},")));
        }
    }
}
