import java.util.Hashtable;
import java.util.TreeSet;
import javax.naming.AuthenticationException;
import javax.naming.Context;
import javax.naming.directory.SearchControls;
import javax.naming.ldap.Control;
import javax.naming.ldap.InitialLdapContext;
import javax.naming.ldap.LdapContext;
import javax.naming.ldap.PagedResultsControl;
import javax.naming.ldap.PagedResultsResponseControl;
import javax.naming.ldap.SortControl;

/** JNDI, as Spring, Keycloak and Atlassian's products use it: pages, a sorted list, the schema, binds. */
public class Jndi {
    public static void main(String[] arguments) throws Exception {
        String uri = arguments[0], base = arguments[1];
        String person = arguments[4], personPassword = arguments[5];
        LdapContext context = connect(uri, arguments[2], arguments[3]);

        System.out.println("paged " + walk(context, base));
        context.setRequestControls(new Control[] {new SortControl("uid", Control.CRITICAL)});
        System.out.println("sorted " + names(context, base, "(departmentNumber=Finance)"));
        context.setRequestControls(null);
        System.out.println("class " + context.getSchema("").lookup("ClassDefinition/posixAccount").getClass().isInterface());
        System.out.println("read " + context.getAttributes(person, new String[] {"sn"}).get("sn"));
        context.close();

        try {
            connect(uri, person, "wrong");
            System.out.println("bound with a wrong password");
        } catch (AuthenticationException refused) {
            System.out.println("refused " + refused.getMessage().contains("error code 49"));
        }
        connect(uri, person, personPassword).close();
        System.out.println("bound");
    }

    static LdapContext connect(String uri, String name, String password) throws Exception {
        Hashtable<String, String> settings = new Hashtable<>();
        settings.put(Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.ldap.LdapCtxFactory");
        settings.put(Context.PROVIDER_URL, uri);
        settings.put(Context.SECURITY_AUTHENTICATION, "simple");
        settings.put(Context.SECURITY_PRINCIPAL, name);
        settings.put(Context.SECURITY_CREDENTIALS, password);
        return new InitialLdapContext(settings, null);
    }

    /** Every person in pages of seven: whether there were several, and none came twice. */
    static String walk(LdapContext context, String base) throws Exception {
        TreeSet<String> people = new TreeSet<>();
        int pages = 0, entries = 0;
        byte[] cookie = null;
        do {
            context.setRequestControls(new Control[] {new PagedResultsControl(7, cookie, Control.CRITICAL)});
            var page = context.search(base, "(objectClass=posixAccount)", subtree());
            while (page.hasMore()) {
                people.add(page.next().getNameInNamespace());
                entries++;
            }
            pages++;
            cookie = null;
            for (Control control : context.getResponseControls()) {
                if (control instanceof PagedResultsResponseControl answer) {
                    cookie = answer.getCookie();
                }
            }
        } while (cookie != null);
        return (pages > 7) + " " + (entries > 50) + " " + (entries == people.size());
    }

    static String names(LdapContext context, String base, String filter) throws Exception {
        StringBuilder names = new StringBuilder();
        var found = context.search(base, filter, subtree());
        while (found.hasMore()) {
            names.append(found.next().getAttributes().get("uid").get()).append(' ');
        }
        return names.toString().trim();
    }

    static SearchControls subtree() {
        SearchControls controls = new SearchControls();
        controls.setSearchScope(SearchControls.SUBTREE_SCOPE);
        controls.setReturningAttributes(new String[] {"uid"});
        return controls;
    }
}
