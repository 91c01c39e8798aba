//! The record of a user.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Fault, Guid, Moment, optional_time};
use crate::directory::{ObjectId, User, UserId};

/// The mirror of [`User`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct UserRecord {
    user_principal_name: Option<String>,
    mail_nickname: Option<String>,
    on_premises_sam_account_name: Option<String>,
    account_enabled: Option<bool>,
    is_guest: bool,
    created: Option<Moment>,
    last_password_change: Option<Moment>,
    display_name: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    proxy_addresses: Vec<String>,
    business_phones: Vec<String>,
    mobile_phone: Option<String>,
    job_title: Option<String>,
    department: Option<String>,
    employee_id: Option<String>,
    employee_type: Option<String>,
    company_name: Option<String>,
    office_location: Option<String>,
    street_address: Option<String>,
    city: Option<String>,
    state: Option<String>,
    postal_code: Option<String>,
    preferred_language: Option<String>,
    manager: Option<Guid>,
    mapped: BTreeMap<String, Vec<String>>,
}

impl From<&User> for UserRecord {
    fn from(user: &User) -> Self {
        let user = user.clone();
        Self {
            user_principal_name: user.user_principal_name,
            mail_nickname: user.mail_nickname,
            on_premises_sam_account_name: user.on_premises_sam_account_name,
            account_enabled: user.account_enabled,
            is_guest: user.is_guest,
            created: user.created.map(Moment::from),
            last_password_change: user.last_password_change.map(Moment::from),
            display_name: user.display_name,
            given_name: user.given_name,
            surname: user.surname,
            mail: user.mail,
            proxy_addresses: user.proxy_addresses,
            business_phones: user.business_phones,
            mobile_phone: user.mobile_phone,
            job_title: user.job_title,
            department: user.department,
            employee_id: user.employee_id,
            employee_type: user.employee_type,
            company_name: user.company_name,
            office_location: user.office_location,
            street_address: user.street_address,
            city: user.city,
            state: user.state,
            postal_code: user.postal_code,
            preferred_language: user.preferred_language,
            manager: user.manager.map(|id| *id.0.as_bytes()),
            mapped: user.mapped,
        }
    }
}

impl TryFrom<UserRecord> for User {
    type Error = Fault;

    fn try_from(record: UserRecord) -> Result<Self, Fault> {
        Ok(Self {
            user_principal_name: record.user_principal_name,
            mail_nickname: record.mail_nickname,
            on_premises_sam_account_name: record.on_premises_sam_account_name,
            account_enabled: record.account_enabled,
            is_guest: record.is_guest,
            created: optional_time(record.created)?,
            last_password_change: optional_time(record.last_password_change)?,
            display_name: record.display_name,
            given_name: record.given_name,
            surname: record.surname,
            mail: record.mail,
            proxy_addresses: record.proxy_addresses,
            business_phones: record.business_phones,
            mobile_phone: record.mobile_phone,
            job_title: record.job_title,
            department: record.department,
            employee_id: record.employee_id,
            employee_type: record.employee_type,
            company_name: record.company_name,
            office_location: record.office_location,
            street_address: record.street_address,
            city: record.city,
            state: record.state,
            postal_code: record.postal_code,
            preferred_language: record.preferred_language,
            manager: record
                .manager
                .map(|id| UserId(ObjectId(Uuid::from_bytes(id)))),
            mapped: record.mapped,
        })
    }
}
