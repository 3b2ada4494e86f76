## Objects and workspaces go through files. Format version 2 is what the R of a real server (3.x) reads as well.
known <- function(name) exists(name, envir = g, inherits = FALSE)

isimage <- function(path) {
  con <- gzfile(path, "rb") # opens gzip, bzip2, xz and plain files
  head <- readBin(con, "raw", 5L)
  close(con)
  grepl("^RD[ABX][23]\n$", rawToChar(head[head != 0L]))
}

loadobject <- function(name, path) {
  if (!isimage(path)) return(assign(name, readRDS(path), envir = g))
  e <- new.env()
  found <- load(path, envir = e)
  from <- if (name %in% found) name else if (length(found) == 1L) found else
    stop("the file holds ", length(found), " objects, none of them named ", name)
  assign(name, get(from, envir = e), envir = g)
}

## A model's file may have what belongs to it: the class, its methods, functions that they call.
loadmodel <- function(name, path) {
  if (!isimage(path)) return(assign(name, readRDS(path), envir = g))
  found <- load(path, envir = g)
  if (name %in% found) return()
  found <- found[!startsWith(found, ".")]
  data <- Filter(function(n) !is.function(get(n, envir = g)), found)
  if (length(data) != 1L) stop("the file holds ", length(found), " objects, none of them named ", name)
  assign(name, get(data, envir = g), envir = g)
}

operate <- function(q) {
  switch(q$op,
    parse = {
      p <- parsecode(q$code)
      reply(q$id, status = if (is.null(p$error)) "complete" else if (incomplete(p$error)) "incomplete" else "invalid")
    },
    complete = reply(q$id, names = complete(q$code)),
    ls = reply(q$id, names = ls(g)),
    get = {
      if (!known(q$name)) return(reply(q$id, missing = TRUE))
      save(list = q$name, file = q$path, envir = g, version = 2L)
      reply(q$id)
    },
    set = { loadobject(q$name, q$path); reply(q$id) },
    model = { loadmodel(q$name, q$path); reply(q$id) },
    rm = {
      if (!known(q$name)) return(reply(q$id, missing = TRUE))
      rm(list = q$name, envir = g)
      reply(q$id)
    },
    save = { save(list = ls(g, all.names = TRUE), file = q$path, envir = g, version = 2L); reply(q$id) },
    load = { load(q$path, envir = g); reply(q$id) },
    home = {
      setwd(q$dir)
      home <<- getwd()
      if (length(q$env)) do.call(Sys.setenv, as.list(q$env))
      reply(q$id)
    },
    stop("unknown operation ", q$op))
}
