# Ruby's net-ldap, as GitLab uses it: it pages when the root DSE says it may, and reads that before each search.
require "net/ldap"
require "uri"

uri, authorities, base, name, password, person, person_password = ARGV
uri = URI(uri)
ldap = Net::LDAP.new(
  host: uri.host, port: uri.port, base: base,
  encryption: { method: :simple_tls, tls_options: { ca_file: authorities, verify_mode: OpenSSL::SSL::VERIFY_PEER } },
  auth: { method: :simple, username: name, password: password }
)
people = ldap.search(filter: Net::LDAP::Filter.eq("objectClass", "posixAccount"), attributes: ["uid"])
puts "paged #{ldap.paged_searches_supported?} #{people.size > 50} #{people.map(&:dn).uniq.size == people.size}"
found = ldap.bind_as(filter: "(uid=ada)", password: person_password)
puts "bound #{found.first.dn == person}"
puts "refused #{!ldap.bind_as(filter: '(uid=ada)', password: 'wrong')} #{ldap.get_operation_result.code}"
