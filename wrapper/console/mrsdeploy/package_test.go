package mrsdeploy

import (
	"testing"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

// TestSignatures compares each function's arguments and defaults with those of mrsdeploy 1.1.
func TestSignatures(t *testing.T) {
	l := localSide(t, runtimes.R)
	for name, want := range map[string]string{
		"remoteLogin":             `deployr_endpoint, session = TRUE, diff = TRUE, commandline = TRUE, prompt = "REMOTE> ", username = NULL, password = NULL`,
		"remoteLoginAAD":          `deployr_endpoint, authuri = NULL, tenantid = NULL, clientid = NULL, resource = NULL, session = TRUE, diff = TRUE, commandline = TRUE, prompt = "REMOTE> ", username = NULL, password = NULL`,
		"remoteLogout":            ``,
		"remoteCommandLine":       `prompt = "REMOTE> ", displayPlots = TRUE, writePlots = FALSE, recPlots = TRUE`,
		"pause":                   ``,
		"resume":                  ``,
		"remoteExecute":           `rcode, script = FALSE, inputs = NULL, outputs = NULL, displayPlots = FALSE, writePlots = FALSE, recPlots = FALSE`,
		"remoteScript":            `name, inputs = NULL, outputs = NULL, displayPlots = TRUE, writePlots = TRUE, recPlots = TRUE, async = FALSE, closeOnComplete = FALSE`,
		"diffLocalRemote":         ``,
		"putLocalObject":          `obj, name = NULL`,
		"getRemoteObject":         `obj, name = NULL`,
		"putLocalWorkspace":       ``,
		"getRemoteWorkspace":      ``,
		"putLocalFile":            `filename`,
		"getRemoteFile":           `filename, as = "text"`,
		"deleteRemoteFile":        `filename`,
		"listRemoteFiles":         ``,
		"createSnapshot":          `name`,
		"loadSnapshot":            `snapshot_id`,
		"listSnapshots":           ``,
		"downloadSnapshot":        `snapshot_id, file = NULL`,
		"deleteSnapshot":          `snapshot_id`,
		"publishService":          `name, code, model = NULL, snapshot = NULL, inputs = list(), outputs = list(), artifacts = c(), v = character(0), alias = NULL, destination = NULL, descr = NULL, serviceType = c("Script", "Realtime")`,
		"updateService":           `name, v, code = NULL, model = NULL, snapshot = NULL, inputs = NULL, outputs = NULL, artifacts = c(), alias = NULL, destination = NULL, descr = NULL, serviceType = c("Script", "Realtime")`,
		"getService":              `name, v = character(0), destination = NULL`,
		"listServices":            `name = character(0), v = character(0)`,
		"deleteService":           `name, v`,
		"serviceOption":           ``,
		"configureServicePool":    `name, version, initialPoolSize = 0, maxPoolSize = 0`,
		"getPoolStatus":           `name, version`,
		"deleteServicePool":       `name, version`,
		"serviceTypes":            ``,
		"getValidatedServiceType": `type`,
		"encodings":               ``,
		"is.encoding":             `type`,
		"is.encodings":            `types = c()`,
	} {
		l.prints(`f <- formals(mrsdeploy::`+name+`)
cat(paste(names(f), vapply(f, function(d) if (is.name(d)) "" else paste(" =", paste(deparse(d), collapse = "")), ""), sep = "", collapse = ", "))`, want)
	}
}

// TestPackage: to the rest of R it is a package like any other.
func TestPackage(t *testing.T) {
	l := localSide(t, runtimes.R)
	l.prints(`library("mrsdeploy"); suppressWarnings(require(mrsdeploy)); requireNamespace("mrsdeploy", quietly = TRUE)`, "")
	l.prints(`"package:mrsdeploy" %in% search(); "mrsdeploy" %in% loadedNamespaces(); packageVersion("mrsdeploy"); exists("host"); environmentName(environment(remoteLogin))`,
		"[1] TRUE\n[1] TRUE\n[1] ‘1.1.3’\n[1] FALSE\n[1] \"mrsdeploy\"\n")
	l.prints(`any(grepl("mrsdeploy_1.1.3", capture.output(sessionInfo())))`, "[1] TRUE\n")
	// What the user calls by the names that the functions use does not get into them.
	l.prints(`c <- function(...) stop("mine"); paste <- NULL; file <- 3; host <- "mine"; serviceTypes()[2]; rm(c, paste, file, host)`, "[1] \"Realtime\"\n")
}
