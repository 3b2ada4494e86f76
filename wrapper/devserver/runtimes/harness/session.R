## What a session has on its search path: R keeps .Last.value and last.warning in base, which is locked here, and the
## server masks a few functions.
g <- globalenv()
shim <- attach(NULL, name = "mlserver:session")
local({
  masked <- function(name) {
    force(name)
    function(...) stop(sprintf("'%s' is not available in a remote session", name), call. = FALSE)
  }
  for (name in c("q", "quit", "browser", "help", "file.choose")) assign(name, masked(name), envir = shim)
  shim$warnings <- function(...) {
    if (is.null(shim$last.warning)) return(invisible(NULL))
    structure(shim$last.warning, class = "warnings")
  }
  environment(shim$warnings) <- list2env(list(shim = shim), parent = baseenv())
})

## Plots: one PNG per page, numbered in the session's directory. Devices do not outlive an execution.
home <- getwd()
pages <- tempfile("plots")
plotted <- FALSE
opendevice <- function(...) {
  plotted <<- TRUE
  dir.create(pages, FALSE)
  grDevices::png(tempfile("p", pages, "-%03d.png"), width = 400, height = 400)
}
closedevices <- function() {
  if (!is.null(grDevices::dev.list())) grDevices::graphics.off()
  if (!plotted) return(invisible())
  plotted <<- FALSE
  page <- 0L
  for (f in sort(list.files(pages, full.names = TRUE))) {
    repeat {
      page <- page + 1L
      to <- file.path(home, sprintf("Rplot%03d.png", page))
      if (!file.exists(to)) break
    }
    file.copy(f, to)
    unlink(f)
  }
}

options(device = opendevice, warn = 0, width = 80, crayon.enabled = FALSE, menu.graphics = FALSE,
  browser = "false", editor = "false",
  pager = function(files, ...) for (f in files) writeLines(readLines(f)))
Sys.setenv(LANGUAGE = "en") # messages are recognised by their English text
