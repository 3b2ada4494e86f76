## Files of the remote session's working directory.
define({
  putLocalFile <- function(filename) {
    .needtext(filename, "filename")
    if (!file.exists(filename) || dir.exists(filename)) stop("file '", filename, "' not found", call. = FALSE)
    host("putFile", path = normalizePath(filename))
    TRUE
  }

  getRemoteFile <- function(filename, as = "text") {
    .needtext(filename, "filename")
    if (!identical(as, "text") && !identical(as, "raw")) stop("'as' is \"text\" or \"raw\"", call. = FALSE)
    path <- .scratch()
    host("getFile", name = filename, path = path)
    content <- readBin(path, "raw", file.size(path))
    if (as == "raw") return(content)
    if (any(content == 0L)) stop("'", filename, "' is no text: use as = \"raw\"", call. = FALSE)
    text <- rawToChar(content)
    Encoding(text) <- "UTF-8"
    text
  }

  listRemoteFiles <- function() host("listFiles")$names

  deleteRemoteFile <- function(filename) {
    host("deleteFile", name = .needtext(filename, "filename"))
    TRUE
  }
})
