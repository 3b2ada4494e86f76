package azuread

// advice says, by the number of AADSTS, who has to change what. "The administrator" is that of the tenant, who sees the
// registrations of the applications and the sign-in logs.
var advice = map[int]string{
	// The application that signs in.
	50011: "Let the administrator add the reply URL http://localhost to application {client}, under \"Mobile and desktop applications\".\n" +
		"Registrations made for this server often have urn:ietf:wg:oauth:2.0:oob only, which this sign-in cannot use.",
	7000218: "The application keeps a secret, or does not allow public client flows: let the administrator turn on \"Allow public client flows\"\n" +
		"for application {client} (user name and password and device code need it), or sign in with a client secret or certificate.",
	700016:  "Check ClientID {client} and TenantID {tenant}: this tenant does not have that application.",
	7000215: "The client secret is wrong. Use its value, not its ID; if it is lost, let the administrator make a new one for application {client}.",
	7000222: "The client secret has expired: let the administrator make a new one for application {client}.",
	700027:  "Let the administrator upload the certificate to application {client}: the one used here is not registered there, or not any more.",
	700024:  "The clock of this computer is wrong by minutes: set it. The certificate's signature is only good for a short time.",
	65001: "Nobody has consented yet: let the administrator grant consent for application {client} to use {resource} (\"API permissions\",\n" +
		"\"Grant admin consent\"), or sign in once with the browser and agree.",
	65004:   "Consent was declined. Sign in again and agree, or let the administrator grant consent for application {client}.",
	90094:   "Only the administrator can consent: let them grant it for application {client}.",
	50105:   "Let the administrator assign the user to application {resource}, or turn off \"Assignment required\".",
	7000112: "Application {client} is disabled: let the administrator enable it.",

	// The tenant and the resource.
	90002:   "Check TenantID {tenant}: it is the domain or ID of the tenant, as in name@domain.",
	90072:   "The user belongs to another tenant: check TenantID {tenant}, or let the administrator invite the user.",
	50020:   "The user belongs to another tenant: check TenantID {tenant}, or let the administrator invite the user.",
	50128:   "Check TenantID {tenant}, and the user name: it must be name@domain.",
	50059:   "Check TenantID {tenant}, and the user name: it must be name@domain.",
	900023:  "Check TenantID {tenant}: it is neither a domain nor an ID.",
	500011:  "Check Resource {resource}: it must be the client ID or App ID URI of the server's web application, and that must be in tenant {tenant}.",
	650057:  "Let the administrator add the server's web application {resource} to the \"API permissions\" of application {client}.",
	90009:   "Give the client ID of the server's web application as Resource: {client} asks for a token for itself.",
	70011:   "Check Resource {resource}: it must be the client ID or App ID URI of the server's web application.",
	1002012: "Check Resource {resource}: it must be the client ID or App ID URI of the server's web application.",

	// The user.
	50126:  "Check user name (name@domain) and password.",
	50034:  "Check the user name (name@domain), and TenantID {tenant}: it does not have that user.",
	50055:  "The password has expired: sign in with a browser to change it.",
	50056:  "The account has no password here: sign in with a device code or the browser.",
	50057:  "The account is disabled: ask the administrator.",
	50053:  "The account is locked after too many tries, or this network is blocked: wait, or ask the administrator.",
	50076:  secondFactor,
	50079:  secondFactor,
	50158:  secondFactor,
	50074:  secondFactor,
	50072:  secondFactor,
	53003:  "A rule of the tenant (conditional access) forbids it: sign in with the browser on a managed device, or ask the administrator.",
	530002: "The tenant wants a compliant device: sign in with the browser on one, or ask the administrator.",
	530003: "The tenant wants a managed device: sign in with the browser on one, or ask the administrator.",

	// What ends.
	70018:  "The sign-in was declined at the page. Sign in again if that was not meant.",
	70019:  "The code has expired: sign in again for a new one.",
	70020:  "The code has expired: sign in again for a new one.",
	70008:  "The sign-in has ended: sign in again.",
	70000:  "The sign-in has ended: sign in again.",
	700082: "The sign-in was unused for too long: sign in again.",
	50173:  "The sign-in was revoked, as by a change of the password: sign in again.",
	50078:  "The second factor is too long ago: sign in again.",
}

const secondFactor = "The user needs a second factor, which a password alone cannot give: sign in with a device code or the browser instead.\n" +
	"For programs, let the administrator register an application with a client secret or certificate."

// oauthAdvice is for answers without a number, as those of AD FS.
var oauthAdvice = map[string]string{
	"invalid_grant":       "Check user name (name@domain) and password; if they are right, sign in again.",
	"invalid_client":      "Check ClientID {client} and its secret or certificate, and whether the application allows public clients.",
	"unauthorized_client": "Let the administrator allow application {client} to sign in this way, and to use {resource}.",
	"invalid_resource":    "Check Resource {resource}: it must be the server's web application.",
	"invalid_scope":       "Check Resource {resource}: it must be the server's web application.",
	"access_denied":       "The user or a rule of the tenant declined.",
	"expired_token":       "The code has expired: sign in again for a new one.",
}
