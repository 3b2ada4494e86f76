// Package mrsdeploy is the local side of the remote execution prompt: an R or Python process on this machine in which the
// functions of the R package mrsdeploy, which can no longer be had, exist under their own names and work.
package mrsdeploy

import "github.com/mlserver-go/mls/wrapper/mlserver"

// Connection is the one login that a process has at a time, as in mrsdeploy: remoteLogin makes it, remoteLogout and exit end
// it.
type Connection struct {
	Client  *mlserver.Client
	Session *mlserver.Session // nil after remoteLogin(session = FALSE)
	Prompt  string            // of the remote command line, "REMOTE> " by default
	Remote  bool              // whether input goes to the session: the remote command line; pause() ends it, resume() begins it
}
