## Interrupts reach user code only: see allowInterrupts() in execute().
suspendInterrupts({
  reply("0", version = as.character(getRversion()))
  repeat {
    q <- receive()
    if (is.null(q)) break
    tryCatch(if (q$op == "exec") perform(q) else operate(q),
      error = function(e) reply(q$id, problem = conditionMessage(e)))
  }
})
quit(save = "no", runLast = FALSE)
