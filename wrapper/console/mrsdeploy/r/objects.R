## Objects cross in format version 2: the server's R is older than 3.5.
define({
  .write <- function(object, path) {
    con <- file(path, "wb")
    on.exit(close(con))
    serialize(object, con, version = 2L)
  }

  .objects <- function(obj, env) {
    if (!is.character(obj) || anyNA(obj) || !length(obj))
      stop("'obj' must name objects, as in c(\"x\", \"y\")", call. = FALSE)
    missing <- obj[!vapply(obj, exists, NA, envir = env)]
    if (length(missing)) stop("object '", missing[1L], "' not found", call. = FALSE)
    mget(obj, envir = env, inherits = TRUE)
  }

  putLocalObject <- function(obj, name = NULL) {
    objects <- .objects(obj, globalenv())
    path <- .scratch()
    if (!is.null(name)) {
      .write(objects, path)
      host("putIntoList", name = .needtext(name, "name"), path = path)
    } else for (o in obj) {
      .write(objects[[o]], path)
      host("putObject", name = o, path = path)
    }
    invisible(NULL)
  }

  .fetch <- function(name) {
    path <- .scratch()
    host("getObject", name = name, path = path)
    con <- gzfile(path, "rb")
    head <- readBin(con, "raw", 5L)
    close(con)
    if (!grepl("^RD[ABX][23]\n$", rawToChar(head[head != 0L]))) return(readRDS(path))
    e <- new.env()
    found <- load(path, envir = e)
    get(if (name %in% found) name else found[1L], envir = e)
  }

  getRemoteObject <- function(obj, name = NULL) {
    if (!is.character(obj) || anyNA(obj) || !length(obj))
      stop("'obj' must name objects, as in c(\"x\", \"y\")", call. = FALSE)
    got <- sapply(obj, .fetch, simplify = FALSE)
    if (!is.null(name)) {
      list <- get0(.needtext(name, "name"), globalenv(), inherits = FALSE, ifnotfound = list())
      if (!is.list(list)) stop("the local object ", name, " is no list", call. = FALSE)
      list[names(got)] <- got
      got <- structure(list(list), names = name)
    }
    list2env(got, globalenv())
    invisible(NULL)
  }

  putLocalWorkspace <- function() {
    names <- ls(globalenv())
    if (length(names)) putLocalObject(names)
    invisible(NULL)
  }

  getRemoteWorkspace <- function() {
    names <- host("listObjects")$names
    if (length(names)) getRemoteObject(names)
    invisible(NULL)
  }
})
