// Random packets of MQTT 3.1, 3.1.1 and 5, made and read by npm's mqtt-packet, read and written by ours (codec_driver):
// what we write must read as what was made, and no changed byte may make the two disagree about a packet that both take.
//
// Usage: node compare.js <codec_driver> <seed> <packets>          exit status 1: a difference
'use strict'
const { spawnSync } = require('child_process')
const { isDeepStrictEqual } = require('util')
const mqtt = require('mqtt-packet')

const [driver, seedText, countText] = process.argv.slice(2)
let state = BigInt(seedText) * 2n + 1n

// --- Chance: xorshift64, the same for the same seed
function chance (below) {
  state ^= (state << 13n) & 0xffffffffffffffffn
  state ^= state >> 7n
  state ^= (state << 17n) & 0xffffffffffffffffn
  return Number((state >> 11n) % BigInt(below))
}
const maybe = () => chance(3) === 0
const pick = (list) => list[chance(list.length)]
const bytes = (most) => Buffer.from(Array.from({ length: chance(most + 1) }, () => chance(256)))
const LETTERS = ['a', 'b', 'z', ' ', '0', '/', '$', '\u00e4', '\u20ac', '\u{1d11e}', '\ufeff', '-', '\u007e']
const text = (most = 12) => Array.from({ length: chance(most + 1) }, () => pick(LETTERS)).join('')
const topic = () => 't' + text(20)
const filter = () => pick([topic(), '#', '+', topic() + '/#', '+/' + topic(), topic() + '/+/x', '$share/group/' + topic()])
const id = () => pick([1, 2, 255, 256, 65535, 1 + chance(65535)])

function some (makers) {
  const made = {}
  for (const name of Object.keys(makers)) if (maybe()) made[name] = makers[name]()
  return made
}
function userProperties () {
  const made = {}
  for (let i = chance(3); i >= 0; i--) made['k' + text(4)] = maybe() ? [text(), text(), 'x'] : text()
  return made
}
const u32 = () => pick([0, 1, 4294967295, chance(4294967296)])
const u16 = () => pick([0, 1, 65535, chance(65536)])
const reasons = { reasonString: text, userProperties }

// --- Packets: kind -> () => [who sends it, packet], by version
const acknowledgement = (cmd, sender, codes) => (v) => [sender, v === 5
  ? { cmd, messageId: id(), reasonCode: pick(codes), properties: some(reasons) }
  : { cmd, messageId: id() }]
const published = [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
const KINDS = {
  connect (v) {
    const packet = {
      cmd: 'connect', protocolId: v === 3 ? 'MQIsdp' : 'MQTT', protocolVersion: v, clean: maybe(), keepalive: u16(), clientId: 'c' + text(30)
    }
    if (maybe()) {
      packet.will = { topic: topic(), payload: bytes(40), qos: chance(3), retain: maybe() }
      if (v === 5) {
        packet.will.properties = some({
          willDelayInterval: u32, payloadFormatIndicator: maybe, messageExpiryInterval: u32, contentType: text, responseTopic: topic,
          correlationData: () => bytes(20), userProperties
        })
      }
    }
    if (maybe()) packet.username = text()
    if (packet.username !== undefined && maybe()) packet.password = bytes(20)
    if (v === 5) {
      packet.properties = some({
        sessionExpiryInterval: u32, receiveMaximum: () => 1 + chance(65535), maximumPacketSize: () => 1 + chance(4294967295),
        topicAliasMaximum: u16, requestResponseInformation: maybe, requestProblemInformation: maybe, userProperties,
        authenticationMethod: text
      })
      if (packet.properties.authenticationMethod !== undefined && maybe()) packet.properties.authenticationData = bytes(20)
    }
    return ['c', packet]
  },
  connack (v) {
    if (v !== 5) {
      const returnCode = chance(6)
      return ['s', { cmd: 'connack', returnCode, sessionPresent: v === 4 && returnCode === 0 && maybe() }]
    }
    const reasonCode = pick([0, 0, 0x80, 0x81, 0x82, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8c, 0x95, 0x97, 0x9a, 0x9b, 0x9d, 0x9f])
    return ['s', {
      cmd: 'connack',
      reasonCode,
      sessionPresent: reasonCode === 0 && maybe(),
      properties: some({
        sessionExpiryInterval: u32, receiveMaximum: () => 1 + chance(65535), maximumQoS: () => chance(2), retainAvailable: maybe,
        maximumPacketSize: () => 1 + chance(4294967295), assignedClientIdentifier: text, topicAliasMaximum: u16,
        wildcardSubscriptionAvailable: maybe, subscriptionIdentifiersAvailable: maybe, sharedSubscriptionAvailable: maybe,
        serverKeepAlive: u16, responseInformation: text, serverReference: text, authenticationMethod: text,
        authenticationData: () => bytes(9), ...reasons
      })
    }]
  },
  publish (v) {
    const qos = chance(3)
    const packet = { cmd: 'publish', topic: topic(), payload: bytes(300), qos, retain: maybe(), dup: qos > 0 && maybe() }
    const sender = pick(['c', 's'])
    if (qos) packet.messageId = id()
    if (v === 5) {
      packet.properties = some({
        payloadFormatIndicator: maybe, messageExpiryInterval: u32, topicAlias: () => 1 + chance(65535), responseTopic: topic,
        correlationData: () => bytes(30), contentType: text, userProperties
      })
      if (sender === 's' && maybe()) packet.properties.subscriptionIdentifier = pick([1, 127, 128, 16384, 268435455])
    }
    return [sender, packet]
  },
  puback: acknowledgement('puback', 'c', published),
  pubrec: acknowledgement('pubrec', 's', published),
  pubrel: acknowledgement('pubrel', 'c', [0, 0x92]),
  pubcomp: acknowledgement('pubcomp', 's', [0, 0x92]),
  subscribe (v) {
    const one = () => {
      const made = { topic: filter(), qos: chance(3) }
      return v === 5 ? { ...made, nl: !made.topic.startsWith('$share') && maybe(), rap: maybe(), rh: chance(3) } : made
    }
    const packet = { cmd: 'subscribe', messageId: id(), subscriptions: Array.from({ length: 1 + chance(4) }, one) }
    if (v === 5) packet.properties = some({ subscriptionIdentifier: () => pick([1, 127, 128, 268435455]), userProperties })
    return ['c', packet]
  },
  suback: (v) => ['s', {
    cmd: 'suback',
    messageId: id(),
    granted: Array.from({ length: 1 + chance(4) }, () => pick(v === 5 ? [0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2] : [0, 1, 2, 0x80].slice(0, v === 3 ? 3 : 4))),
    ...(v === 5 ? { properties: some(reasons) } : {})
  }],
  unsubscribe: (v) => ['c', {
    cmd: 'unsubscribe',
    messageId: id(),
    unsubscriptions: Array.from({ length: 1 + chance(4) }, filter),
    ...(v === 5 ? { properties: some({ userProperties }) } : {})
  }],
  unsuback: (v) => ['s', {
    cmd: 'unsuback',
    messageId: id(),
    ...(v === 5 ? { granted: Array.from({ length: 1 + chance(4) }, () => pick([0, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91])), properties: some(reasons) } : {})
  }],
  pingreq: () => ['c', { cmd: 'pingreq' }],
  pingresp: () => ['s', { cmd: 'pingresp' }],
  disconnect: (v) => ['c', v === 5
    ? { cmd: 'disconnect', reasonCode: pick([0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99]), properties: some({ sessionExpiryInterval: u32, ...reasons }) }
    : { cmd: 'disconnect' }],
  auth: () => ['c', { cmd: 'auth', reasonCode: pick([0x18, 0x19]), properties: { authenticationMethod: 'm' + text(), ...some({ authenticationData: () => bytes(30), ...reasons }) } }]
}

// --- Reading with mqtt-packet
function parse (data, version) {
  let packet = null
  const parser = mqtt.parser({ protocolVersion: version })
  parser.on('packet', (one) => { packet = packet || one })
  parser.on('error', () => { packet = packet || 'refused' })
  try { parser.parse(data) } catch (error) { return 'refused' }
  return packet || 'refused'
}

// What a packet says, without what both may leave out: lengths, empty properties, a reason of success.
function said (packet, version) {
  if (packet === 'refused') return packet
  const plain = JSON.parse(JSON.stringify(packet))
  delete plain.length
  if (version === 3) delete plain.sessionPresent // the byte is reserved there, and written as 0
  if (!plain.reasonCode) delete plain.reasonCode
  for (const holder of [plain, plain.will]) {
    if (holder && holder.properties && Object.keys(holder.properties).length === 0) delete holder.properties
  }
  return plain
}

function hexOf (packet, version) {
  return mqtt.generate(packet, { protocolVersion: version }).toString('hex')
}

function main () {
  const cases = []
  const names = Object.keys(KINDS)
  for (let i = 0; i < Number(countText); i++) {
    const version = pick([3, 4, 5, 5])
    const name = pick(version === 5 ? names : names.filter((one) => one !== 'auth'))
    const [sender, packet] = KINDS[name](version)
    const hex = hexOf(packet, version)
    cases.push({ version, sender, hex, good: true })
    for (let n = 0; n < 2; n++) {
      const data = Buffer.from(hex, 'hex')
      if (data.length < 3) continue
      const at = 2 + chance(data.length - 2)
      if (chance(2)) data[at] = chance(256)
      else data[at] ^= 1 << chance(8)
      cases.push({ version, sender, hex: data.toString('hex'), good: false })
    }
    if (name === 'publish') cases.push({ version, sender, hex: hex.slice(0, hex.length - 2 * chance(hex.length / 2)), good: false })
  }
  const input = cases.map(({ version, sender, hex }) => `${version} ${sender} ${hex}\n`).join('')
  const run = spawnSync(driver, { input, encoding: 'utf8', maxBuffer: 1 << 30 })
  if (run.status !== 0) {
    console.log(`codec_driver ended with ${run.status} ${run.signal}\n${run.stderr}`)
    return 1
  }
  const answers = run.stdout.split('\n')
  const count = { same: 0, refused: 0, stricter: 0, looser: 0 }
  let differences = 0
  cases.forEach(({ version, sender, hex, good }, number) => {
    const [word, again] = answers[number].split(' ')
    const theirs = parse(Buffer.from(hex, 'hex'), version)
    if (word !== 'ok') {
      if (good || word === 'wrong') {
        differences++
        console.log(`we refuse: v${version} ${sender} ${hex}: ${answers[number]}\n  ${JSON.stringify(said(theirs, version))}`)
      } else if (theirs === 'refused') count.refused++
      else count.stricter++
      return
    }
    if (theirs === 'refused') {
      // Their parser is stricter in some places; a good packet it must take.
      if (good) { differences++; console.log(`mqtt-packet refuses its own packet ${hex}`) } else count.looser++
      return
    }
    const ours = parse(Buffer.from(again, 'hex'), theirs.cmd === 'connect' ? theirs.protocolVersion : version)
    if (isDeepStrictEqual(said(theirs, version), said(ours, version))) { count.same++; return }
    differences++
    console.log(`differs: v${version} ${sender}\n  ${hex}\n  ${again}\n  ${JSON.stringify(said(theirs, version))}\n  ${JSON.stringify(said(ours, version))}`)
  })
  console.log(`seed ${seedText}: ${JSON.stringify(count)}, ${differences} differences`)
  return differences || count.same < Number(countText) ? 1 : 0
}

process.exit(main())
