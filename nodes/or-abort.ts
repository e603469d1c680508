/** Waiting for something that cannot be cancelled itself: the wait ends with the signal, the work goes on unheard. */

/** The promise, or the signal's reason, whichever is first; the promise's own failure is then nobody's and stays quiet. */
export function orAbort<A>(promise: Promise<A>, signal: AbortSignal): Promise<A> {
  promise.catch(() => undefined)
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  if (signal.aborted) stop()
  else signal.addEventListener("abort", stop, { once: true })
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", stop))
}
