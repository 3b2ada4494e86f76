signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.stdout = sys.stderr = None
open_console()
reply('0', version='%d.%d.%d' % sys.version_info[:3])
while True:
    request = receive()
    if request is None:
        break
    try:
        perform(request) if request['op'] == 'exec' else operate(request)
    except BaseException as e:
        if os.getpid() != PID:
            os._exit(1)
        reply(request['id'], problem='%s: %s' % (type(e).__name__, e))
