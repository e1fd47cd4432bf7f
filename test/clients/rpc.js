// Plain JSON-RPC, for requests that a client library would not send.

let lastId = 0

// send posts a body as it is and returns the HTTP status and the parsed answer.
export async function send(url, body, headers = { 'content-type': 'application/json' }) {
  const response = await fetch(url, { method: 'POST', headers, body })
  const text = await response.text()
  let answer
  try {
    answer = text === '' ? undefined : JSON.parse(text)
  } catch {
    throw new Error(`cannot parse the answer of ${url}: got HTTP ${response.status} ${text.slice(0, 200)}`)
  }
  return { status: response.status, answer }
}

// request returns the whole answer object: {result} or {error}.
export async function request(url, method, ...params) {
  return (await send(url, JSON.stringify({ jsonrpc: '2.0', id: ++lastId, method, params }))).answer
}

// call returns the result and throws on an error.
export async function call(url, method, ...params) {
  const { result, error } = await request(url, method, ...params)
  if (error) throw new Error(`${method}: got error ${error.code} ${error.message}`)
  return result
}

const batchLenMax = 100

// batch sends [method, ...params] lists and returns the results in their order.
export async function batch(url, calls) {
  const results = []
  for (let from = 0; from < calls.length; from += batchLenMax) {
    const requests = calls.slice(from, from + batchLenMax).map(([method, ...params], id) => ({ jsonrpc: '2.0', id, method, params }))
    const { answer } = await send(url, JSON.stringify(requests))
    const byId = new Map(answer.map((a) => [a.id, a]))
    for (const { id, method } of requests) {
      const one = byId.get(id)
      if (!one || one.error) throw new Error(`${method}: got ${JSON.stringify(one)}`)
      results.push(one.result)
    }
  }
  return results
}

// until repeats an asynchronous question until it is answered with something true.
export async function until(what, question, timeoutMs = 30_000) {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const answer = await question()
    if (answer) return answer
    if (Date.now() > deadline) throw new Error(`${what}: did not happen within ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
