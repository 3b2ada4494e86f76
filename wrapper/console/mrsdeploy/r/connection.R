## Login and the two command lines.
define({
  remoteLogin <- function(deployr_endpoint, session = TRUE, diff = TRUE, commandline = TRUE, prompt = "REMOTE> ",
                          username = NULL, password = NULL)
    .login(if (!missing(deployr_endpoint)) deployr_endpoint, session, diff, commandline, prompt, username, password)

  remoteLoginAAD <- function(deployr_endpoint, authuri = NULL, tenantid = NULL, clientid = NULL, resource = NULL,
                             session = TRUE, diff = TRUE, commandline = TRUE, prompt = "REMOTE> ",
                             username = NULL, password = NULL)
    .login(if (!missing(deployr_endpoint)) deployr_endpoint, session, diff, commandline, prompt, username, password,
      list(AuthURI = authuri, TenantID = tenantid, ClientID = clientid, Resource = resource))

  .login <- function(endpoint, session, diff, commandline, prompt, username, password, aad = NULL) {
    host("login", endpoint = endpoint, session = session, commandline = commandline, prompt = prompt,
      username = username, password = password, aad = aad)
    if (session && diff) .diff(FALSE)
    invisible(NULL)
  }

  remoteLogout <- function() {
    host("logout")
    invisible(NULL)
  }

  remoteCommandLine <- function(prompt = "REMOTE> ", displayPlots = TRUE, writePlots = FALSE, recPlots = TRUE) {
    host("switch", remote = TRUE, prompt = prompt)
    invisible(NULL)
  }

  resume <- function() {
    host("switch", remote = TRUE)
    invisible(NULL)
  }

  pause <- function() {
    host("switch", remote = FALSE)
    invisible(NULL)
  }

  ## What code that runs here may miss there.
  diffLocalRemote <- function() .diff(TRUE)

  .diff <- function(always) {
    question <- host("environmentCode")
    e <- new.env(parent = globalenv())
    eval(parse(text = question$code), e)
    a <- host("diff", found = mget(question$outputs, envir = e))
    if (always || a$differs) cat(a$report)
    invisible(NULL)
  }
})
