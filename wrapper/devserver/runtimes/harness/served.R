## A session of a server masks a few functions.
local({
  masked <- function(name) {
    force(name)
    function(...) stop(sprintf("'%s' is not available in a remote session", name), call. = FALSE)
  }
  for (name in c("q", "quit", "browser", "help", "file.choose")) assign(name, masked(name), envir = shim)
})

## Plots: one PNG per page, numbered in the session's directory. Devices do not outlive an execution.
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

options(device = opendevice, warn = 0, width = 80, crayon.enabled = FALSE, menu.graphics = FALSE, browser = "false",
  editor = "false", pager = pager)
