## Code and scripts in the remote session. What they print is shown while they run, unless
## options(mrsdeploy.console_update = ) is less than 1000: then at the end. recPlots changes nothing: plots are files.
define({
  remoteExecute <- function(rcode, script = FALSE, inputs = NULL, outputs = NULL, displayPlots = FALSE,
                            writePlots = FALSE, recPlots = FALSE) {
    if (isTRUE(script)) return(remoteScript(rcode, inputs, outputs, displayPlots, writePlots, recPlots))
    .execute(paste(.code(rcode), collapse = "\n"), inputs, outputs, displayPlots, writePlots)
  }

  remoteScript <- function(name, inputs = NULL, outputs = NULL, displayPlots = TRUE, writePlots = TRUE, recPlots = TRUE,
                           async = FALSE, closeOnComplete = FALSE) {
    .needtext(name, "name")
    if (!file.exists(name)) stop("script '", name, "' not found", call. = FALSE)
    code <- paste(readLines(name, warn = FALSE, encoding = "UTF-8"), collapse = "\n")
    if (!isTRUE(async)) return(.execute(code, inputs, outputs, displayPlots, writePlots))
    id <- host("detach", code = code, inputs = .json(inputs), outputs = outputs)$id
    .running(id)
  }

  .code <- function(code) {
    if (!is.character(code) || anyNA(code)) stop("the code must be a text", call. = FALSE)
    code
  }

  .json <- function(inputs) if (is.null(inputs)) "" else .needtext(inputs, "inputs")

  .execute <- function(code, inputs, outputs, display, write) {
    update <- getOption("mrsdeploy.console_update", 5000)
    shown <- !is.numeric(update) || update >= 1000
    r <- host("execute", code = code, inputs = .json(inputs), outputs = outputs, shown = shown)
    if (!shown) cat(r$consoleOutput)
    if (isTRUE(write) && length(r$changedFiles)) host("fetchPlots", files = r$changedFiles, dir = getwd())
    if (isTRUE(display) && length(r$changedFiles)) .display(r$changedFiles)
    invisible(r)
  }

  ## Draws plots of the session on the device of this one.
  .display <- function(files) {
    if (!requireNamespace("png", quietly = TRUE)) return(invisible())
    dir <- .scratch()
    dir.create(dir)
    on.exit(unlink(dir, recursive = TRUE), add = TRUE)
    paths <- host("fetchPlots", files = files, dir = dir)$paths
    for (p in grep("[.]png$", paths, value = TRUE, ignore.case = TRUE)) {
      graphics::plot.new()
      grid <- graphics::par("usr")
      graphics::rasterImage(png::readPNG(p), grid[1L], grid[3L], grid[2L], grid[4L])
    }
  }

  ## A script that runs in a session of its own. wait() shows what it prints, and closes the session. There is no window of
  ## its own that closeOnComplete could close.
  .running <- function(id) structure(list2env(list(
    id = function() id,
    running = function() host("detachedState", id = id)$running,
    wait = function(close = TRUE) invisible(host("detachedWait", id = id, keep = !close))
  )), class = "remoteScriptExecution")

  print.remoteScriptExecution <- function(x, ...) {
    cat("<remote script>\nsession: ", x$id(), "\npublic-functions:\n  id()\n  running()\n  wait(close = TRUE)\n", sep = "")
    invisible(x)
  }
})
