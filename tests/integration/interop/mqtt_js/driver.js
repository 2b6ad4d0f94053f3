// mqtt.js behind the line protocol of drivers.py: many clients in one process, each line opens with the client's name.
'use strict'
const fs = require('fs')
const readline = require('readline')
const mqtt = require('mqtt')

const clients = new Map()
const hex = (value) => Buffer.from(value).toString('hex') || '-'
const unhex = (value) => Buffer.from(value === '-' ? '' : value, 'hex')
const say = (name, ...words) => process.stdout.write([name, ...words].join(' ') + '\n')

function open (name, o) {
  const version = Number(o.version)
  const options = {
    clientId: o.id || '',
    protocolVersion: version,
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    clean: o.clean !== '0',
    keepalive: 60,
    reconnectPeriod: 0,
    connectTimeout: 30000,
    resubscribe: false // what the broker has kept must suffice
  }
  if (o.user) options.username = o.user
  if (o.password) options.password = o.password
  if (o.ca) options.ca = fs.readFileSync(o.ca)
  if (o.cert) options.cert = fs.readFileSync(o.cert)
  if (o.key) options.key = fs.readFileSync(o.key)
  if (o['will-topic']) {
    options.will = {
      topic: o['will-topic'], payload: o['will-payload'], qos: Number(o['will-qos']), retain: o['will-retain'] === '1'
    }
  }
  if (version === 5 && o.expiry) options.properties = { sessionExpiryInterval: Number(o.expiry) }
  const scheme = { tcp: 'mqtt', tls: 'mqtts', ws: 'ws', wss: 'wss' }[o.transport]
  const path = o.transport.startsWith('ws') ? '/mqtt' : ''
  const client = mqtt.connect(`${scheme}://localhost:${o.port}${path}`, { ...options, family: 4 })
  clients.set(name, client)
  client.on('connect', (connack) => say(name, 'connected', connack.sessionPresent ? 1 : 0))
  client.on('error', (error) => say(name, 'refused', error.code === undefined ? 'error' : error.code, hex(error.message)))
  client.on('close', () => say(name, 'lost'))
  client.on('message', (topic, payload, packet) =>
    say(name, 'message', hex(topic), packet.qos, packet.retain ? 1 : 0, hex(payload),
      hex(Object.entries((packet.properties && packet.properties.userProperties) || {}).map((pair) => pair.join('=')).join(','))))
}

function act (name, verb, words) {
  const client = clients.get(name)
  if (verb === 'open') {
    open(name, Object.fromEntries(words.map((word) => {
      const at = word.indexOf('=')
      return [word.slice(0, at), unhex(word.slice(at + 1)).toString()]
    })))
  } else if (verb === 'subscribe') {
    client.subscribe(unhex(words[0]).toString(), { qos: Number(words[1]) }, (error, granted) =>
      say(name, 'subscribed', granted && granted.length ? granted[0].qos : 128))
  } else if (verb === 'unsubscribe') {
    client.unsubscribe(unhex(words[0]).toString(), () => say(name, 'unsubscribed'))
  } else if (verb === 'publish') {
    const options = { qos: Number(words[1]), retain: words[2] === '1' }
    if (words[4] !== '-') {
      const [key, value] = unhex(words[4]).toString().split('=')
      options.properties = { userProperties: { [key]: value } }
    }
    client.publish(unhex(words[0]).toString(), unhex(words[3]), options, (error) =>
      say(name, error ? 'unpublished' : 'published'))
  } else if (verb === 'disconnect') {
    client.end(false, () => say(name, 'ended'))
  } else if (verb === 'die') {
    client.stream.destroy()
    client.end(true)
  }
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, verb, ...words] = line.split(' ')
  act(name, verb, words)
}).on('close', () => process.exit(0))
