# Perl's Net::LDAP, as Proxmox uses it: pages, the schema, compare, binds.
use strict;
use warnings;
use Net::LDAP;
use Net::LDAP::Constant qw(LDAP_CONTROL_PAGED);
use Net::LDAP::Control::Paged;

my ($uri, $authorities, $base, $name, $password, $person, $person_password) = @ARGV;
my $ldap = Net::LDAP->new($uri, verify => 'require', cafile => $authorities) or die $@;
$ldap->bind($name, password => $password)->code and die 'the service account is refused';

my $page = Net::LDAP::Control::Paged->new(size => 7, critical => 1);
my (%people, $pages);
while (1) {
    my $found = $ldap->search(
        base => $base, filter => '(objectClass=posixAccount)', attrs => ['uid'], control => [$page]);
    $found->code and die $found->error;
    $people{ $_->dn }++ for $found->entries;
    $pages++;
    my ($answer) = $found->control(LDAP_CONTROL_PAGED) or last;
    $page->cookie($answer->cookie) or last;
}
print 'paged ', ($pages > 7 && keys %people > 50 && !grep { $_ > 1 } values %people) ? 1 : 0, "\n";
print 'class ', $ldap->schema->objectclass('posixAccount')->{name}, "\n";
print 'compare ', $ldap->compare($person, attr => 'sn', value => 'lovelace')->code, "\n";
print 'refused ', $ldap->bind($person, password => 'wrong')->code, "\n";
print 'bound ', $ldap->bind($person, password => $person_password)->code, "\n";
