//! The AADSTS error codes, as a table: what each means, what it says about a password and about a credential,
//! what to do.
//!
//! Microsoft does not promise that the numbers stay, but there is no other signal. A new code is one more
//! row; a code without a row refuses.
//!
//! Source: Microsoft identity platform, "Authentication and authorization error codes".

use super::CredentialFault;

/// What an answer to a password grant says about the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// Checked and right, but the person may not sign in this way: MFA, Conditional Access, expiry.
    RightButBlocked,
    /// Checked and wrong (in a federated domain: not checked at all).
    Wrong,
    /// The password was not checked, and asking again changes nothing.
    NothingPermanent,
    /// The password was not checked because something is down or busy.
    NothingTransient,
}

/// One AADSTS code.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number after `AADSTS`.
    pub code: u32,
    /// What it says about the password in a password grant.
    pub verdict: PasswordVerdict,
    /// What it says about a credential of the sync.
    pub fault: CredentialFault,
    /// What is the case, for an operator.
    pub meaning: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

use CredentialFault::{
    AccountDisabled, AccountGone, AppNotFound, CertificateRejected, ConditionalAccess,
    ConsentMissing, Expired, MfaNeeded, NotAssigned, Other, Outage, PasswordChanged, Revoked,
    SecretExpired, TenantNotFound, Throttled, WrongSecret,
};
use PasswordVerdict::{NothingPermanent, NothingTransient, RightButBlocked, Wrong};

const MFA: &str = "a password alone cannot pass MFA: exclude this app and address from the policy, or use another kind of account";
const POLICY: &str = "allow the app and this host's address in the Conditional Access policy";
const RISK: &str = "have the risk looked into and dismissed (Entra admin center, Risky users); then the person registers for MFA with a browser";
const PLACE: &str =
    "the person must register for MFA with a browser from a place that the policy allows";
const DEVICE: &str =
    "a password alone cannot prove a device: exclude this app and address from the policy";
const NEW_PASSWORD: &str = "the person must set a new password by signing in with a browser";
const CONSENT: &str = "an administrator must grant consent: Entra admin center, App registrations, API permissions, \"Grant admin consent\"";
const ACCOUNT: &str = "this account cannot sign in to this tenant with a password";
const TENANT: &str = "check tenant.id, tenant.cloud and tenant.login_url";
const APP: &str =
    "check client_id: the app must be registered, enabled and consented to in this tenant";
const SECRET: &str = "create a client secret and configure its value (not its id)";
const CERTIFICATE: &str = "check the app's certificate and this host's clock";
const CLOCK: &str = "set this host's clock (NTP)";
const AUTHORIZE: &str = "authorise again with `ldap365 authorize`";
const REQUEST: &str = "this is a fault of ldap365: please report it with the correlation id";
const LATER: &str = "nothing to do; it is asked again later";
const AGENT: &str = "check the pass-through authentication agents on the company's servers";
const SIGN_IN_RULES: &str = "allow password sign-in for this app in the tenant's security settings";

const fn row(
    code: u32,
    verdict: PasswordVerdict,
    fault: CredentialFault,
    meaning: &'static str,
    advice: &'static str,
) -> Entry {
    Entry {
        code,
        verdict,
        fault,
        meaning,
        advice,
    }
}

/// Every code with a meaning of its own, in ascending order.
#[rustfmt::skip] // one code a line
pub const TABLE: &[Entry] = &[
    row(16000, NothingPermanent, AccountGone, "the account belongs to another tenant", ACCOUNT),
    row(16003, NothingPermanent, AccountGone, "the account was not added to the tenant", ACCOUNT),
    row(50002, NothingPermanent, ConditionalAccess, "a restriction of the tenant forbids the sign-in", SIGN_IN_RULES),
    row(50005, RightButBlocked, ConditionalAccess, "Conditional Access does not know this platform", DEVICE),
    row(50011, NothingPermanent, Other, "the redirect address is not one of the app's",
        "add it under the registration's Authentication as a redirect address of the kind \"Web\""),
    row(50012, NothingPermanent, CertificateRejected, "the app's certificate was not accepted", CERTIFICATE),
    row(50013, NothingPermanent, CertificateRejected, "the assertion signed with the app's certificate was not accepted", CERTIFICATE),
    row(50014, NothingPermanent, Other, "the guest has not accepted the invitation", ACCOUNT),
    row(50020, NothingPermanent, AccountGone, "the account belongs to another directory", ACCOUNT),
    row(50033, NothingTransient, Outage, "the sign-in service has a passing fault", LATER),
    row(50034, NothingPermanent, AccountGone, "the tenant has no such account (guests included)", ACCOUNT),
    row(50048, NothingPermanent, CertificateRejected, "the assertion names another app than its issuer", CERTIFICATE),
    row(50053, NothingPermanent, Other, "the account is locked after wrong passwords, or the address has a bad name",
        "wait for the lock to end, and find the client that keeps sending an old password"),
    row(50055, RightButBlocked, PasswordChanged, "the password has expired or must be changed", NEW_PASSWORD),
    row(50056, NothingPermanent, Other, "the account has no password in the tenant", ACCOUNT),
    row(50057, NothingPermanent, AccountDisabled, "the account is disabled", "enable it in the Entra admin center if that is meant"),
    row(50059, NothingPermanent, TenantNotFound, "the tenant cannot be told from the request", TENANT),
    row(50064, Wrong, Other, "the password could not be validated", "check the password"),
    row(50072, RightButBlocked, MfaNeeded, "the person must enrol for MFA", MFA),
    row(50074, RightButBlocked, MfaNeeded, "MFA is demanded", MFA),
    row(50076, RightButBlocked, MfaNeeded, "MFA is demanded", MFA),
    row(50078, RightButBlocked, MfaNeeded, "the last MFA has expired", MFA),
    row(50079, RightButBlocked, MfaNeeded, "the person must register for MFA", MFA),
    row(50087, NothingTransient, Outage, "the sign-in service has a passing fault", LATER),
    row(50088, RightButBlocked, MfaNeeded, "the telephone calls for MFA are used up", MFA),
    row(50089, NothingPermanent, Revoked, "the authorisation can no longer be used", AUTHORIZE),
    row(50097, RightButBlocked, ConditionalAccess, "a registered device is demanded", DEVICE),
    row(50105, NothingPermanent, NotAssigned, "the account is not assigned to the app",
        "assign it, or turn \"Assignment required\" off: Enterprise applications, Properties"),
    row(50125, RightButBlocked, PasswordChanged, "the sign-in was interrupted for a password reset or registration", NEW_PASSWORD),
    row(50126, Wrong, Other, "the user name or password is wrong",
        "check the password; in a federated domain even a right one is answered so, and the password grant cannot be used"),
    row(50128, NothingPermanent, TenantNotFound, "the tenant cannot be told from the request", TENANT),
    row(50129, RightButBlocked, ConditionalAccess, "a device joined to the workplace is demanded", DEVICE),
    row(50131, RightButBlocked, ConditionalAccess, "Conditional Access finds the sign-in suspicious", POLICY),
    row(50135, RightButBlocked, PasswordChanged, "the password must be changed because the account is at risk", NEW_PASSWORD),
    row(50142, RightButBlocked, PasswordChanged, "the password must be changed by policy", NEW_PASSWORD),
    row(50144, RightButBlocked, PasswordChanged, "the password in the company's Active Directory has expired", NEW_PASSWORD),
    row(50155, RightButBlocked, ConditionalAccess, "the device could not be authenticated", DEVICE),
    row(50158, RightButBlocked, MfaNeeded, "an external MFA provider demands a challenge", MFA),
    row(50173, NothingPermanent, Revoked, "the authorisation was revoked: the administrator's password was changed or reset, or the sessions were ended", AUTHORIZE),
    row(50187, RightButBlocked, ConditionalAccess, "the device could not be authenticated", DEVICE),
    row(50196, NothingTransient, Throttled, "the same request was sent too often (loop detected)", LATER),
    row(51004, NothingPermanent, AccountGone, "the account is missing in the tenant", ACCOUNT),
    row(53000, RightButBlocked, ConditionalAccess, "Conditional Access demands a compliant device", DEVICE),
    row(53001, RightButBlocked, ConditionalAccess, "Conditional Access demands a domain-joined device", DEVICE),
    row(53002, RightButBlocked, ConditionalAccess, "Conditional Access demands an approved app", POLICY),
    row(53003, RightButBlocked, ConditionalAccess, "Conditional Access blocks the sign-in", POLICY),
    row(53004, RightButBlocked, ConditionalAccess, "MFA registration is blocked because the account is at risk", RISK),
    row(53010, RightButBlocked, ConditionalAccess, "MFA registration is allowed from certain places only", PLACE),
    row(53011, NothingPermanent, ConditionalAccess, "the account is blocked for risk in its home tenant", ACCOUNT),
    row(54005, NothingPermanent, Other, "the code of this sign-in was used before", "start the sign-in again"),
    row(65001, NothingPermanent, ConsentMissing, "nobody has consented to the app", CONSENT),
    row(65004, NothingPermanent, ConsentMissing, "consent to the app was declined", CONSENT),
    row(70000, NothingPermanent, Revoked, "the authorisation is not valid", AUTHORIZE),
    row(70001, NothingPermanent, AppNotFound, "the tenant does not know the app", APP),
    row(70003, NothingPermanent, Other, "the request is of a kind the service does not support", REQUEST),
    row(70008, NothingPermanent, Expired, "the authorisation has expired, unused for too long", AUTHORIZE),
    row(70011, NothingPermanent, Other, "the requested scope is not valid",
        "check tenant.graph_url: it must be the Graph root of the tenant's cloud"),
    row(70016, NothingTransient, Outage, "the sign-in with a code is not finished", LATER),
    row(70018, NothingPermanent, Other, "the device code is not known", "start the sign-in again"),
    row(70019, NothingPermanent, Other, "the device code has expired", "start the sign-in again"),
    row(70043, NothingPermanent, Expired, "the authorisation has reached the sign-in frequency of Conditional Access",
        "authorise again, and except this app from the policy, or use a certificate or secret instead"),
    row(80001, NothingTransient, Outage, "the pass-through agent cannot reach Active Directory", AGENT),
    row(80002, NothingTransient, Outage, "Active Directory did not answer the pass-through agent in time", AGENT),
    row(80005, NothingTransient, Outage, "the pass-through agent gave an answer nobody understands", AGENT),
    row(80007, NothingTransient, Outage, "the pass-through agent could not check the password", AGENT),
    row(80010, NothingTransient, Outage, "the pass-through agent could not decrypt the password", AGENT),
    row(80012, NothingPermanent, Other, "the account may not sign in at this hour",
        "check the logon hours in Active Directory"),
    row(80013, NothingTransient, Outage, "the clocks of agent and domain controller differ", AGENT),
    row(80014, NothingTransient, Outage, "the pass-through agent took too long", AGENT),
    row(90002, NothingPermanent, TenantNotFound, "there is no such tenant in this cloud", TENANT),
    row(90006, NothingTransient, Outage, "the sign-in service has a passing fault", LATER),
    row(90008, NothingPermanent, ConsentMissing, "the app lacks consent to sign people in", CONSENT),
    row(90012, NothingTransient, Outage, "the sign-in service has a passing fault", LATER),
    row(90013, NothingPermanent, Other, "the request was not understood", REQUEST),
    row(90014, NothingPermanent, Other, "the request lacks a field", REQUEST),
    row(90019, NothingPermanent, TenantNotFound, "the tenant cannot be told from the request", TENANT),
    row(90023, NothingPermanent, Other, "the request was not understood", REQUEST),
    row(90024, NothingTransient, Outage, "the sign-in service has a passing fault", LATER),
    row(90033, NothingTransient, Outage, "the sign-in service has a passing fault", LATER),
    row(90038, NothingPermanent, TenantNotFound, "the tenant lives in another national cloud", TENANT),
    row(90055, NothingTransient, Throttled, "the tenant is throttled for too many requests", LATER),
    row(90072, NothingPermanent, AccountGone, "the account exists in another tenant only", ACCOUNT),
    row(90090, NothingTransient, Outage, "the sign-in service has a passing fault", LATER),
    row(90091, NothingTransient, Outage, "the sign-in service has a passing fault", LATER),
    row(90094, NothingPermanent, ConsentMissing, "an administrator's consent is needed", CONSENT),
    row(90095, NothingPermanent, ConsentMissing, "an administrator must approve the request for consent", CONSENT),
    row(90100, NothingPermanent, Other, "the request was not understood", REQUEST),
    row(500021, NothingPermanent, ConditionalAccess, "a restriction of the tenant forbids the sign-in", SIGN_IN_RULES),
    row(500022, NothingPermanent, ConditionalAccess, "a restriction of the tenant forbids the sign-in", SIGN_IN_RULES),
    row(500121, RightButBlocked, MfaNeeded, "MFA was tried and failed", MFA),
    row(500133, NothingPermanent, CertificateRejected, "the assertion is outside its time of validity", CLOCK),
    row(500208, NothingPermanent, Other, "the account's domain cannot be used here", ACCOUNT),
    row(500212, NothingPermanent, ConditionalAccess, "a cross-tenant policy forbids the sign-in", SIGN_IN_RULES),
    row(500213, NothingPermanent, ConditionalAccess, "a cross-tenant policy forbids the sign-in", SIGN_IN_RULES),
    row(501481, NothingPermanent, Other, "the proof of this sign-in does not match its code", "start the sign-in again"),
    row(530003, RightButBlocked, ConditionalAccess, "Conditional Access demands a managed device", DEVICE),
    row(530021, RightButBlocked, ConditionalAccess, "Conditional Access demands an approved app", POLICY),
    row(530032, NothingPermanent, ConditionalAccess, "a security policy of the tenant blocks the sign-in", SIGN_IN_RULES),
    row(530034, NothingPermanent, ConditionalAccess, "the partner's access is blocked for risk", SIGN_IN_RULES),
    row(530035, NothingPermanent, ConditionalAccess, "the tenant's security defaults block password sign-in", SIGN_IN_RULES),
    row(650056, NothingPermanent, ConsentMissing, "the app is set up wrongly, or lacks consent", CONSENT),
    row(700005, NothingPermanent, TenantNotFound, "the code of this sign-in belongs to another tenant", TENANT),
    row(700016, NothingPermanent, AppNotFound, "the tenant does not know the app", APP),
    row(700024, NothingPermanent, CertificateRejected, "the assertion is outside its time of validity", CLOCK),
    row(700025, NothingPermanent, WrongSecret, "the app is a public client, but a secret was sent",
        "remove client_secret where this client_id stands, in [[credential]] or in [auth]"),
    row(700027, NothingPermanent, CertificateRejected, "the app's certificate was not accepted", CERTIFICATE),
    row(700030, NothingPermanent, CertificateRejected, "the app's certificate is not accepted by the tenant", CERTIFICATE),
    row(700082, NothingPermanent, Expired, "the authorisation has expired, unused for 90 days", AUTHORIZE),
    row(700084, NothingPermanent, Revoked, "the authorisation was fixed to one day",
        "register the redirect address as \"Web\", not as a single-page application, and authorise again"),
    row(900144, NothingPermanent, Other, "the request lacks a field", REQUEST),
    row(7000112, NothingPermanent, AppNotFound, "the app is disabled in the tenant", APP),
    row(7000215, NothingPermanent, WrongSecret, "the client secret is wrong", SECRET),
    row(7000218, NothingPermanent, WrongSecret, "the app demands a secret, and none was sent",
        "turn \"Allow public client flows\" on in the app registration, or set client_secret where this client_id stands, in \
         [[credential]] or in [auth]"),
    row(7000222, NothingPermanent, SecretExpired, "the client secret has expired", SECRET),
    row(9001023, NothingPermanent, TenantNotFound, "the request needs a tenant of its own",
        "set tenant.id to the tenant's domain or id, not to \"common\" or \"consumers\""),
    row(9002313, NothingPermanent, Revoked, "the request was not understood", REQUEST),
];

/// The row of a code.
pub fn entry(code: u32) -> Option<&'static Entry> {
    TABLE
        .binary_search_by_key(&code, |entry| entry.code)
        .ok()
        .map(|at| &TABLE[at])
}

/// What several codes together say about a password; the answer to an empty or unknown list refuses.
///
/// One code may merely wrap another (`[70002, 50126]`), so codes without a row are passed over when a row
/// decides. Where rows disagree the one that claims least wins, and only codes that are all transient
/// make the whole transient.
pub fn password_verdict(codes: &[u32]) -> PasswordVerdict {
    let has = |verdict| {
        codes
            .iter()
            .filter_map(|&code| entry(code))
            .any(|entry| entry.verdict == verdict)
    };
    let all_known = codes.iter().all(|&code| entry(code).is_some());
    if has(NothingPermanent) {
        NothingPermanent
    } else if has(Wrong) {
        Wrong
    } else if has(NothingTransient) && all_known && !has(RightButBlocked) {
        NothingTransient
    } else if has(RightButBlocked) && !has(NothingTransient) {
        RightButBlocked
    } else {
        NothingPermanent
    }
}

/// What several codes together say about a credential.
///
/// One code may merely wrap another, so the first that says something of its own decides. Codes that pass
/// speak only when nothing else does: a dead credential must not look like an outage.
pub fn credential_fault(codes: &[u32]) -> CredentialFault {
    let faults: Vec<CredentialFault> = codes
        .iter()
        .map(|&code| entry(code).map_or(Other, |entry| entry.fault))
        .collect();
    let is_telling = |fault: &&CredentialFault| **fault != Other && !fault.is_transient();
    match faults.iter().find(is_telling) {
        Some(fault) => *fault,
        None if faults.iter().all(|fault| fault.is_transient()) => {
            faults.first().copied().unwrap_or(Other)
        }
        None => Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_each_code_has_one_row() {
        assert!(TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn every_row_says_what_to_do() {
        assert!(
            TABLE
                .iter()
                .all(|entry| !entry.meaning.is_empty() && !entry.advice.is_empty())
        );
    }

    #[test]
    fn codes_are_judged_as_documented() {
        for (codes, verdict) in [
            (&[50126][..], Wrong),
            (&[50076], RightButBlocked),
            (&[53003], RightButBlocked),
            (&[50055], RightButBlocked),
            (&[50053], NothingPermanent),
            (&[50057], NothingPermanent),
            (&[530035], NothingPermanent),
            (&[90033], NothingTransient),
            (&[80002], NothingTransient),
            (&[7000218], NothingPermanent),
        ] {
            assert_eq!(password_verdict(codes), verdict, "{codes:?}");
        }
    }

    #[test]
    fn credentials_fail_for_the_documented_reason() {
        for (codes, fault) in [
            (&[50173][..], Revoked),
            (&[700082], Expired),
            (&[50057], AccountDisabled),
            (&[50034], AccountGone),
            (&[50055], PasswordChanged),
            (&[50076], MfaNeeded),
            (&[53003], ConditionalAccess),
            (&[65001], ConsentMissing),
            (&[50105], NotAssigned),
            (&[53004], ConditionalAccess),
            (&[53010], ConditionalAccess),
            (&[7000215], WrongSecret),
            (&[7000222], SecretExpired),
            (&[700027], CertificateRejected),
            (&[90002], TenantNotFound),
            (&[700016], AppNotFound),
            (&[90033], Outage),
            (&[50196], Throttled),
            (&[123_456_789], Other),
            (&[], Other),
            (&[70002, 50173], Revoked),
            (&[90033, 50173], Revoked),
            (&[90033, 123_456_789], Other),
        ] {
            assert_eq!(credential_fault(codes), fault, "{codes:?}");
        }
    }

    #[test]
    fn fault_that_passes_and_verdict_that_passes_are_the_same_rows() {
        for entry in TABLE {
            let passes = entry.verdict == NothingTransient;
            assert_eq!(entry.fault.is_transient(), passes, "{}", entry.code);
        }
    }

    #[test]
    fn advice_about_a_secret_fits_credentials_and_password_checks_alike() {
        for code in [700_025, 7_000_218] {
            let advice = entry(code).unwrap().advice;
            let names_both = advice.contains("[[credential]]") && advice.contains("[auth]");
            assert!(names_both, "{advice}");
        }
    }

    #[test]
    fn wrapping_code_does_not_hide_the_verdict() {
        assert_eq!(password_verdict(&[70002, 50126]), Wrong);
    }

    #[test]
    fn unknown_code_and_no_code_refuse() {
        assert_eq!(password_verdict(&[123_456_789]), NothingPermanent);
        assert_eq!(password_verdict(&[]), NothingPermanent);
        assert_eq!(password_verdict(&[123_456_789, 90033]), NothingPermanent);
    }

    #[test]
    fn codes_that_disagree_claim_the_least() {
        assert_eq!(password_verdict(&[50126, 50053]), NothingPermanent);
        assert_eq!(password_verdict(&[50076, 90033]), NothingPermanent);
        assert_eq!(password_verdict(&[50076, 50126]), Wrong);
    }
}
