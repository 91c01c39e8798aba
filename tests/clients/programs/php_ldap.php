<?php
// PHP's ldap, as pfSense, Nextcloud and Zabbix use it: pages, binds on one connection.
[, $uri, $authorities, $base, $name, $password, $person, $personPassword] = $argv;
ldap_set_option(null, LDAP_OPT_X_TLS_CACERTFILE, $authorities);
ldap_set_option(null, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_DEMAND);
$ldap = ldap_connect($uri);
ldap_set_option($ldap, LDAP_OPT_PROTOCOL_VERSION, 3);
ldap_bind($ldap, $name, $password) or exit(1);

$people = [];
$pages = 0;
$cookie = '';
do {
    $paged = ['oid' => LDAP_CONTROL_PAGEDRESULTS, 'iscritical' => true, 'value' => ['size' => 7, 'cookie' => $cookie]];
    $result = ldap_search($ldap, $base, '(objectClass=posixAccount)', ['uid', 'dn'], 0, 0, 0, LDAP_DEREF_NEVER, [$paged]);
    ldap_parse_result($ldap, $result, $code, $matched, $message, $referrals, $controls);
    foreach (array_slice(ldap_get_entries($ldap, $result), 1) as $entry) {
        $people[] = $entry['dn'];
    }
    $cookie = $controls[LDAP_CONTROL_PAGEDRESULTS]['value']['cookie'] ?? '';
    $pages++;
} while ($cookie !== '');
echo 'paged ', var_export($pages > 7 && count($people) > 50 && count(array_unique($people)) === count($people), true), "\n";
echo 'compare ', var_export(ldap_compare($ldap, $person, 'sn', 'lovelace'), true), "\n";
@ldap_bind($ldap, $person, 'wrong');
echo 'refused ', ldap_errno($ldap), "\n";
echo 'bound ', var_export(ldap_bind($ldap, $person, $personPassword), true), "\n";
$own = ldap_get_entries($ldap, ldap_read($ldap, $person, '(objectClass=*)', ['memberOf']));
echo 'groups ', var_export($own[0]['memberof']['count'] > 3, true), "\n";
