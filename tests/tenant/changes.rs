//! What happens in the company while the tenant runs.

use serde_json::Value;
use uuid::Uuid;

use super::company::{FirstFactor, GroupSpec, Registration, SecondFactor, UserSpec, Withdrawal};
use super::{Company, Tenant};

impl Tenant {
    /// Hires a person and returns the object id.
    pub fn hire(&self, spec: UserSpec) -> String {
        self.world().company.hire(spec).to_string()
    }

    /// The object id of the living user with that UPN.
    pub fn user_id(&self, upn: &str) -> String {
        self.world().company.user_id(upn).to_string()
    }

    /// The object id of the living group with that name, mail address or id.
    pub fn group_id(&self, group: &str) -> String {
        self.world().company.group_id(group).to_string()
    }

    /// Gives a person another user principal name.
    pub fn rename(&self, upn: &str, new_upn: &str) {
        self.world().company.rename(upn, new_upn);
    }

    /// Sets a property of a person by its Graph name; `null` clears it.
    pub fn set(&self, upn: &str, property: &str, value: impl Into<Value>) {
        self.change(|company| company.set(company.user_id(upn), property, value.into()));
    }

    /// Sets a property of a group by its Graph name; `null` clears it.
    pub fn set_group(&self, group: &str, property: &str, value: impl Into<Value>) {
        self.change(|company| company.set(company.group_id(group), property, value.into()));
    }

    /// `accountEnabled: false`
    pub fn disable(&self, upn: &str) {
        self.set(upn, "accountEnabled", false);
    }

    /// `accountEnabled: true`
    pub fn enable(&self, upn: &str) {
        self.set(upn, "accountEnabled", true);
    }

    /// Gives a person another manager, or none.
    pub fn set_manager(&self, upn: &str, manager: Option<&str>) {
        self.change(|company| {
            let manager = manager.map(|manager| company.user_id(manager));
            company.assign_manager(company.user_id(upn), manager);
        });
    }

    /// Puts a person into the recycle bin; memberships stay.
    pub fn delete(&self, upn: &str) {
        let now = self.world().clock.now();
        self.change(|company| company.soft_delete(company.user_id(upn), now));
    }

    /// Removes a person for good, from the recycle bin or right away.
    pub fn purge(&self, upn: &str) {
        self.change(|company| company.purge(company.user_id_even_deleted(upn)));
    }

    /// Takes a person out of the recycle bin.
    pub fn restore(&self, upn: &str) {
        self.change(|company| company.restore(company.user_id_even_deleted(upn)));
    }

    /// Gives a person another password.
    pub fn set_password(&self, upn: &str, password: &str) {
        let password = FirstFactor::Password(password.to_owned());
        self.change(|company| company.account_mut(upn).first_factor = password);
    }

    /// Demands that a person changes the password before it is accepted again.
    pub fn expire_password(&self, upn: &str) {
        self.change(|company| {
            let account = company.account_mut(upn);
            let password = account.first_factor.password().map(str::to_owned);
            account.first_factor = match password {
                Some(password) => FirstFactor::Expired(password),
                None => FirstFactor::NoPassword,
            };
        });
    }

    /// What is asked of a person after the password.
    pub fn set_second_factor(&self, upn: &str, second_factor: SecondFactor) {
        self.change(|company| company.account_mut(upn).second_factor = second_factor);
    }

    /// Ends every sign-in of a person with that AADSTS code, or no longer.
    ///
    /// Codes of policies that act after the password was checked still need the right password.
    pub fn script_sign_in(&self, upn: &str, code: Option<u32>) {
        self.change(|company| company.account_mut(upn).scripted = code);
    }

    /// Puts the object id of `other` into the id_tokens of `upn`.
    pub fn impersonate(&self, upn: &str, other: &str) {
        self.change(|company| {
            let other = company.user_id(other);
            company.account_mut(upn).impersonates = Some(other);
        });
    }

    /// Creates a group and returns the object id.
    pub fn create_group(&self, spec: GroupSpec) -> String {
        self.world().company.create_group(spec).to_string()
    }

    /// Makes a person (by UPN) or a group (by name) a direct member.
    pub fn add_to_group(&self, group: &str, member: &str) {
        self.change(|company| company.add_to_group(group, member));
    }

    /// Ends a direct membership.
    pub fn remove_from_group(&self, group: &str, member: &str) {
        self.change(|company| company.remove_from_group(group, member));
    }

    /// Gives a group another display name.
    pub fn rename_group(&self, group: &str, new_name: &str) {
        self.set_group(group, "displayName", new_name);
    }

    /// Deletes a group: a Microsoft 365 group into the recycle bin, any other for good.
    pub fn delete_group(&self, group: &str) {
        let now = self.world().clock.now();
        self.change(|company| {
            let id = company.group_id(group);
            if company.groups[&id].is_microsoft365() {
                company.soft_delete(id, now);
            } else {
                company.purge(id);
            }
        });
    }

    /// Removes a Microsoft 365 group from the recycle bin for good.
    pub fn purge_group(&self, group: &str) {
        self.change(|company| company.purge(company.deleted_group_id(group)));
    }

    /// Takes a Microsoft 365 group out of the recycle bin.
    pub fn restore_group(&self, group: &str) {
        self.change(|company| company.restore(company.deleted_group_id(group)));
    }

    /// Changes the app registration: secrets, permissions, public client flows.
    pub fn change_registration(&self, change: impl FnOnce(&mut Registration)) {
        self.change(|company| change(&mut company.registrations[0]));
    }

    /// Changes the registration with that application id.
    pub fn change_app(&self, client_id: &str, change: impl FnOnce(&mut Registration)) {
        self.change(|company| {
            let mut registrations = company.registrations.iter_mut();
            let named = registrations.find(|known| known.client_id.to_string() == client_id);
            change(named.unwrap_or_else(|| panic!("no app has the id {client_id}")));
        });
    }

    /// An administrator takes a permission back from an app: 403 from now on, for old tokens too.
    pub fn withdraw_permission(&self, client_id: &str, permission: &str) {
        self.withdraw(client_id, permission, Withdrawal::Denied);
    }

    /// As [`Self::withdraw_permission`], but it shows as nulls in answers of status 200.
    pub fn withdraw_permission_silently(&self, client_id: &str, permission: &str) {
        self.withdraw(client_id, permission, Withdrawal::Nulls);
    }

    fn withdraw(&self, client_id: &str, permission: &str, withdrawal: Withdrawal) {
        self.change_app(client_id, |registration| {
            let withdrawn = &mut registration.withdrawn;
            withdrawn.insert(permission.to_owned(), withdrawal);
        });
    }

    /// An administrator gives a permission back that was taken.
    pub fn return_permission(&self, client_id: &str, permission: &str) {
        self.change_app(client_id, |registration| {
            registration.withdrawn.remove(permission);
        });
    }

    /// A certificate (DER) whose key may sign the app's assertions from now on.
    pub fn add_certificate(&self, client_id: &str, der: Vec<u8>) {
        self.change_app(client_id, |registration| {
            registration.certificates.push(der)
        });
    }

    /// Gives a person a directory role, by template id.
    pub fn assign_role(&self, upn: &str, template_id: Uuid) {
        self.change(|company| {
            company.account_mut(upn).roles.insert(template_id);
        });
    }

    /// Takes a directory role from a person.
    pub fn remove_role(&self, upn: &str, template_id: Uuid) {
        self.change(|company| {
            company.account_mut(upn).roles.remove(&template_id);
        });
    }

    /// The app registration gets a new secret; the old ones have expired.
    pub fn rotate_client_secret(&self, secret: &str) {
        self.change_registration(|registration| {
            let old = std::mem::take(&mut registration.secrets);
            registration.expired_secrets.extend(old);
            registration.secrets.insert(secret.to_owned());
        });
    }

    fn change(&self, change: impl FnOnce(&mut Company)) {
        change(&mut self.world().company);
    }
}
