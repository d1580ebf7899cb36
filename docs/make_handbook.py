"""Make samples/handbook.pdf, the Harbour Station Handbook of a harbour that does not exist.

Run it from anywhere: ``python docs/make_handbook.py``. It needs fpdf2. The same text gives the same
bytes: the date is fixed, and nothing else in the file depends on the time or the machine.

The text below uses a few marks. ``#`` and ``##`` begin a section and a subsection, which are
numbered here. ``-`` begins a bullet and ``+`` a numbered step. ``!`` begins a boxed note. A line
that begins with ``|`` is a row of a table, the first of them the heading, and ``|=`` before it
gives the relative widths of the columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

TARGET = Path(__file__).resolve().parent.parent / "samples" / "handbook.pdf"
TITLE = "Harbour Station Handbook"
PLACE = "Brannock Harbour Trust"
EDITION = "Seventh edition"

BODY = ("Times", 11, 5.3)  # family, size in points, line height in mm
INK = (28, 52, 84)
PALE = (232, 237, 243)
INDENT = 6.0

TEXT = """
# About this handbook

This handbook tells the people who work at Brannock Harbour Station what to do, in what order, and who decides when two
duties pull in different directions. It is written for the newest member of the watch on a bad night. If a page cannot
be followed by that person with cold hands and a torch, the page is wrong and should be reported to the Deputy Harbour
Master.

The seventh edition is in force from 1 April and replaces the sixth, which was printed on yellow paper. Any yellow page
still found in a locker is to be handed in at the watch room, not thrown away, so that we know which locker it came
from. The handbook is reviewed every 18 months, and at once after any accident in which a person was taken to hospital.

## Copies and corrections

There are four numbered paper copies. Copy 1 lives in the watch room, copy 2 in the crew mess, copy 3 in the chart
locker of the launch and copy 4 in the fuel berth kiosk. Corrections between editions are made by hand in red ink in all
four copies on the same day, and each is initialled by the person who made it and by the Deputy Harbour Master. A copy
that carries more than 25 handwritten corrections is reprinted.

## Words with a fixed meaning

In these pages "must" leaves no choice. "Should" means do it unless there is a reason that you are ready to write in the
log. "May" leaves it to you. Heights of the tide are metres above the station datum, which is the brass bolt in the
third step of the Old Quay. Times are on the 24-hour clock and are local time, except in the radio log, where they are
UTC and carry the letter Z.

# The station and its people

The station stands at the root of the North Mole. It holds the watch room on the upper floor, the mess, the workshop,
the cold room and the boat dock with room for one launch and two dinghies. About 140 vessels use the harbour in summer
and 35 in winter.

## Roles

|= 32 64 24
| Role | Answers for | Call sign
| Harbour Master | The port as a whole, closures, and anything said to the press | Brannock One
| Deputy Harbour Master | This handbook, the roster, training and drills | Brannock Two
| Watch Officer | Everything afloat and ashore during the watch | Brannock Watch
| Coxswain | The launch and whoever is aboard her | Petrel
| Station Engineer | Machinery, the storm gate, the cold room and the workshop | Brannock Five
| Berthing Hand | Lines, fenders, the fuel berth and visitors | Brannock Six
| Bookkeeper | Dues, fines, receipts and lost property | none

The Watch Officer may give an order to anybody on the station, the Harbour Master included, while a distress is being
worked. Orders given in that time are discussed afterwards and never during it.

## Numbers on duty

A watch is never kept by one person alone. From 1 May to 30 September a watch is one Watch Officer, one Coxswain and two
Berthing Hands. In the rest of the year it is one Watch Officer, one Coxswain and one Berthing Hand. If somebody falls
ill, the Deputy Harbour Master finds a replacement within 90 minutes; until then the launch stays at her berth unless
life is at risk.

Nobody works more than two watches in a row, and after two in a row the rest is at least 16 hours. A person who has been
awake for more than 20 hours may not take the helm of the launch, whatever the emergency.

## New members

A new member is shown round by the Deputy Harbour Master and then stands six watches as a supernumerary, at least two of
them at night. The book of tasks has 42 entries. All of them must be signed before the person is counted in the numbers
above, and the entries for the launch may be signed only by a Coxswain with three years in the post.

# Watchkeeping

## The three watches

|= 24 28 68
| Watch | Hours | Also does
| Morning | 06:00 to 14:00 | Tide boards, radio check, fuel berth opening
| Afternoon | 14:00 to 22:00 | Berth inspection, dues, gauge comparison on Thursdays
| Night | 22:00 to 06:00 | Lights round at 23:30 and 03:30, cold room readings

The watches change at 06:00, 14:00 and 22:00. The relief arrives 20 minutes early and reads the log back to the
beginning of the previous watch before saying a word about anything else. The old watch is relieved only when the new
Watch Officer says "I have the watch" and writes the time. If the relief seems unfit, the old Watch Officer stays and
calls the Deputy Harbour Master.

## The log

The log is written in blue or black ink, one line for each event, with the time first. A mistake is crossed out with a
single line so that it can still be read, and is initialled. Pages are numbered by the printer and none may be removed.
Full books are kept for seven years in the steel cupboard under the stairs.

These must always be logged:

- each vessel of 12 metres or more entering or leaving, with her draught if she gives it
- each use of the launch, with names of all aboard, before she leaves the dock
- each alarm, including tests and alarms that turned out to be false
- wind and height of tide every two hours, and every 30 minutes while a tide warning is in force
- every time that the storm gate or the fuel isolating valve is moved

## Lights round

On the lights round the Night Watch looks at all nine harbour lights and reports any that is out to the Coastguard by
telephone within 15 minutes. The two lights on the South Mole cannot be seen from the watch room and must be looked at
from the ice plant steps. A spare lamp for each light is kept in the green chest in the workshop. The red light at the
North Mole head takes a different fitting from the others and its spares are marked with red tape.

## Visitors to the watch room

At most three visitors may be in the watch room at once, and none while a distress is being worked. Photographs of the
screens are not allowed.

# Radio

## Channels

The station keeps a continuous watch on channel 16 and on channel 12. The other channels are used as in the table.

|= 20 46 54
| Channel | Used for | Remarks
| 16 | Distress, safety and calling | Never left without a listener
| 12 | Harbour working channel | Movements, berths, bridge
| 8 | Launch to shore party | One watt inside the moles
| 14 | Pilots and tugs | Listen before you call, they talk in turns
| 67 | Safety messages from the Coastguard | Monitor in gales
| 72 | Regattas and dive boats | By agreement, booked a week ahead
| 77 | Station training | Never for traffic

The fixed set in the watch room transmits at 25 watts. Handheld sets transmit at 5 watts and are switched to 1 watt
inside the moles, since a set at full power four metres away upsets the bridge control.

## Checks and batteries

A radio check is made on channel 12 at 09:00 every day with the lighthouse tender, or with the pilot boat if the tender
is away. The result is logged in UTC. Each handheld has two batteries, marked A and B. They are changed over at every
change of watch, and a battery that does not last for ten hours is taken out of use and given to the Station Engineer.
The emergency set in the yellow case runs from dry cells which are replaced each year on 1 October, used or not.

## Working a distress

When a Mayday is heard, count to ten. If the Coastguard does not answer it in that time, answer it. Write down position,
number of persons and nature of distress in that order, because the position is the one thing that cannot be worked out
later. Start the voice recorder with the red key. Keep channel 16 clear and move your own people to channel 8.

! Do not promise a time. Say that help is on its way, and keep talking. People who hear a voice every two minutes hold
on longer.

# Tide and weather

## Tide states

The height that counts is the one on the electronic gauge at the Old Quay, unless it differs from the painted tide staff
by more than 6 centimetres. In that case the staff counts, and the gauge is reported as faulty. Gauge and staff are
compared every Thursday at high water in daylight.

|= 24 26 70
| State | At or above | What is done
| Green | below 4.70 m | Nothing
| Amber | 4.70 m | Boards put up at the fish market; half-hourly log; cars moved from the Strand
| Red | 5.10 m | Storm gate closed; power to pontoons B and C off; Harbour Master told
| Black | 5.45 m | Lower quays cleared; substation shut down by the power company; phone tree started

A state ends only when the water has fallen 15 centimetres below the height at which it began and the next predicted
high water is below that height too. The Watch Officer may go up a state early but only the Harbour Master may go down
one early.

## The storm gate

The gate closes the gap between the inner basin and the Pool. It takes 11 minutes to close with the electric drive and
about 50 minutes by hand with two people on the capstan. It may not be closed with a difference in level of more than
0.60 metres across it. Before closing, sound one long blast of eight seconds, wait for three minutes, look for swimmers
and kayaks on both sides, and only then start the drive. The drive trips at 42 amperes; after a second trip do not reset
it, but go over to the capstan and call the Station Engineer.

The gate is exercised on the first Monday of the month at slack water. It is greased each quarter with the white
calcium grease in the tub marked G, never with the brown, which washes out.

## Wind limits

|= 60 30 30
| Work | Mean wind | Gust
| Mobile crane on the quay | 20 knots | 28 knots
| Lifting with the boat hoist | 24 knots | 32 knots
| Work aloft on masts and lights | 18 knots | 25 knots
| Launch outside the moles, not a rescue | 30 knots | 40 knots
| Fuel delivery by barge | 22 knots | 30 knots

The wind is taken from the mast on the ice plant roof, averaged over ten minutes. If the mast fails, take the reading
from the airfield and add a quarter to it, because the airfield lies behind the hill.

## Fog and ice

In fog the horn on the North Mole is started when the white house on Carn Point, 1.2 nautical miles away, can no longer
be seen. It gives two blasts every 45 seconds. Quays and ladders are gritted when the forecast for the night is below
2 °C. Use sand and not salt on pontoons, as salt eats the aluminium.

# Berths and moorings

## The berths

|= 28 24 24 44
| Berth | Longest vessel | Least depth | Use
| Old Quay | 38 m | 3.4 m | Fishing vessels, dries at the north end
| Fish Market | 26 m | 2.9 m | Landing only, two hours at most
| Pontoon A | 12 m | 2.1 m | Residents
| Pontoon B | 15 m | 2.5 m | Visitors, water and power
| Pontoon C | 10 m | 1.6 m | Small craft and dinghies
| Fuel Berth | 30 m | 3.1 m | Fuelling only
| Lay-by Wall | 55 m | 4.8 m | Coasters and naval visits, by appointment

Depths are at the lowest tide of the year. The Old Quay silts and is sounded in March and September with the hand lead,
not with the echo sounder, which sees the soft mud as water.

## Lines and fenders

A vessel of more than 20 metres puts out at least six lines, and doubles the head and stern lines in the amber state or
worse. Lines may be made fast only to bollards and rings painted yellow. The old iron posts on the Lay-by Wall are
ornaments and were tested to only half a tonne. A bollard on the Old Quay is good for 8 tonnes and one on the Lay-by
Wall for 15 tonnes.

## Visiting yachts

Visitors call on channel 12 before passing the fairway buoy. They are given a berth on pontoon B for up to 14 nights
in any 60. The Berthing Hand takes the lines, hands over the blue folder and asks three questions: how many persons,
which country from, and is there any animal aboard. An animal from abroad stays aboard until the port vet has come.
Quiet hours are from 23:00 to 07:00, and halyards are to be tied off at all times.

## Speed

The limit is 4 knots inside the moles and 7 knots between the moles and the fairway buoy. The launch may exceed it when
her blue light is on.

# The fuel berth

The fuel berth sells marine diesel and petrol. It opens at 07:30 and closes at 18:30 from April to October, and is open
from 09:00 to 15:00 in winter, Sundays excepted. Fishing vessels with an account may fuel out of hours with the grey
fob, diesel only.

## Before the hose is passed

+ Stop all engines, put out all flames and close the hatches.
+ Clip the earthing lead to the vessel's deck fitting and see that the lamp on the post turns green.
+ Put the drip tray under the filler and two absorbent pads beside it.
+ Ask for the quantity wanted and set the meter to stop 10 litres below it.
+ Keep one hand on the nozzle from beginning to end. The latch has been taken off on purpose.

No hot work and no smoking are allowed within 15 metres. Petrol is not sold into containers larger than 20 litres, nor
to anybody under 17.

## Deliveries and samples

The diesel tank holds 24,000 litres and is filled to no more than 95 per cent. Deliveries come by road on the second and
fourth Tuesday. The Berthing Hand dips the tank before and after, waits for ten minutes after the last drop, and takes a
sample of half a litre from the bottom valve. Samples are kept for 45 days in the steel cabinet outside the kiosk. Water
in the sample deeper than 5 millimetres means that nothing is sold until the tank has been drained and tested again.

## Spills

Any spill into the water is reported to the Watch Officer at once, however small. The Watch Officer closes the isolating
valve with the red wheel behind the kiosk, sends for the boom and tells the Coastguard. The boom is 60 metres long, is
kept in the white trailer and can be laid by three people in 20 minutes. Detergent is never used: it makes the sheen go
away and the damage worse. A spill of more than 50 litres is also reported to the Environment Office within one hour.

# The launch

The launch Petrel is 9.8 metres long, draws 0.9 metres and has two diesel engines of 170 horsepower. She may carry two
crew and ten others. Her range at 18 knots is 140 nautical miles with the tanks full.

## Before she leaves the dock

+ Check oil, coolant and the belt on both engines. The oil should stand between the marks with the engine cold.
+ Open both sea cocks. The handle lies in line with the pipe when it is open.
+ See that there are at least 180 litres of fuel in each tank. Below that she goes only to save life.
+ Start the port engine first. The starboard engine carries the pump that fights the port engine's fire.
+ Look for cooling water at both exhausts within 30 seconds of starting, or stop.
+ Call the watch room on channel 8 with the number of persons aboard.

Lifejackets are worn by all aboard from the dock outwards. They are the 275 newton kind because of the weight of the
working clothes. The automatic heads are replaced every three years and the gas bottles are weighed every six months: a
bottle that has lost more than 2 grams is replaced.

## Running and towing

In the first five minutes the engines are not taken above 1,400 revolutions. The normal cruising speed of the engines is
2,600. Oil pressure below 2.1 bar or coolant above 95 °C means stop that engine and come home on the other. When towing,
the line is at least 30 metres long and the towed vessel keeps one person at the helm. Never tow at more than 6 knots,
and never take a line from a vessel of over 40 tonnes: stand by her and call the tug.

## Engine hours

|= 36 84
| Every | Work
| 50 hours | Clean the sea strainers, look at the belts
| 125 hours | Change the oil and both oil filters, 13 litres for each engine
| 250 hours | Fuel filters, impellers of both raw water pumps
| 500 hours | Valve clearances, engine mountings, new anodes
| 1,000 hours | Injectors out for testing, heat exchanger cleaned

# The workshop

## Torque values

Tighten in three steps, half, three quarters and full, and in the order stamped on the part. The values are for clean
threads with a drop of oil, unless the table says dry.

|= 66 28 26
| Fastening | Torque | Thread
| Propeller nut of the launch | 210 Nm | M30
| Cylinder head bolts of the launch engines | 115 Nm | M12
| Sea cock flange | 24 Nm | M8
| Storm gate drive coupling | 340 Nm | M24, dry
| Pontoon hinge pin clamp | 78 Nm | M16
| Boat hoist wheel nuts | 470 Nm | M22
| Bollard base, after re-seating | 600 Nm | M36, dry
| Guard rail stanchion | 32 Nm | M10

A hinge pin clamp that has been undone gets a new locking washer every time. The wheel nuts of the boat hoist are
checked again after the first 25 kilometres, which in this yard takes about two months.

## Tools

Torque wrenches go to the county laboratory for calibration each January and carry a sticker with the date. A wrench
that has been dropped is out of use until it has been tested, and nobody is blamed for saying so. Wrenches are put
away wound down to the lowest mark on the scale. Each tool has its painted shadow on the wall. At the end of the day
an empty shadow is looked for until the tool is found.

## Locking off

Before anybody puts a hand in a machine, its switch is locked off with that person's own red padlock. Every person has
one padlock and one key, and the spare keys are in a sealed envelope in the Harbour Master's safe. A padlock may be cut
only by the Harbour Master, and only after the owner has been spoken to in person or by telephone.

## The boat hoist

The hoist lifts 18 tonnes. The slings are placed under the marks on the hull or, where there are no marks, where the
owner shows and signs. Nobody stands within 3 metres of a boat in the slings. Slings are retired after six years, or at
once if the red core can be seen. The Station Engineer inspects the hoist each week, and the insurer does so every
12 months.

# Stores and cold room

## Temperatures

|= 50 30 40
| Store | Keep at | Act when
| Fish cold room | 0 to 2 °C | above 3 °C for 30 minutes
| Bait freezer | -18 °C | above -12 °C
| Ice plant bin | -5 °C | above -2 °C
| Medicine cupboard | 8 to 25 °C | outside the range for a day
| Paint store | 5 to 28 °C | below 3 °C
| Battery room | 10 to 25 °C | above 30 °C

The Night Watch reads the cold room thermometer at 00:00, 02:00 and 04:00 and writes the reading on the card on the
door. If the room is above its limit, close the door, start the standby compressor with the left-hand switch and call
the Station Engineer. Fish that has been above 4 °C for more than two hours is shown to the fish inspector before it
is sold, and is marked with blue tape until then.

The cold room can be opened from the inside by pushing the green knob. There is an alarm button beside it at knee
height, where somebody who has fallen can reach it. Both are tested every Friday with the door shut and a second
person outside.

## Paint, gas and flares

Paint and thinner are kept in the brick store and not in the workshop. At most 5 litres of thinner may be out at any
time. Gas bottles stand upright and chained, oxygen at least 6 metres from acetylene. Flares past their date are put in
the orange drum and collected by the Coastguard in May and November. Visitors often try to leave old flares on the watch
room step. Take them, log them and do not argue.

## Stocks that must not run out

- sand for the quays: 40 bags
- absorbent pads: 200, and six rolls of sorbent sock
- blankets: 24, of which eight stay in the launch
- drinking water: 120 litres in sealed cans, changed every April
- lamp oil for the hurricane lanterns: 15 litres

The Bookkeeper counts the stock on the last working day of the month and orders when it has fallen below two thirds.

# First aid

The first-aid room is on the ground floor, next to the mess, and its door is never locked. Boxes are kept in the watch
room, the workshop, the kiosk and the launch. They have numbered seals. A broken seal is reported so that the box can be
filled again, and no one is asked why it was opened. At least one person in every watch holds a certificate in advanced
first aid, which is renewed every three years.

## Cold water

A person who has been in the water is cold until proved otherwise. From November to April the harbour is at 6 to 9 °C,
and useful movement of the hands is lost in about ten minutes.

+ Lift the person out flat if you can. Upright lifting can stop the heart.
+ Take them out of the wind. Cut wet clothes off and do not rub the skin.
+ Wrap the trunk first and leave the arms and legs until last. Use the foil bag with a blanket outside it.
+ If they are awake and can swallow, give warm sweet drinks. Give no alcohol, and no coffee.
+ If they are not breathing, give five breaths before the first 30 compressions, then two breaths to every 30.
+ Send for the ambulance in every case of more than 15 minutes in the water, even if the person says they are well.

Anybody who has breathed in water is watched for six hours, since the lungs may fail late.

## Heart

The defibrillator hangs in the porch of the station in a green cabinet without a lock. Its pads last for two years and
its battery for five. The person who fetches it also opens the car park barrier for the ambulance by lifting the pin,
because the motor is slow.

## Burns, crush and fish hooks

Cool a burn with clean fresh water for 20 minutes and cover it with kitchen film laid on, not wound round. For a
crushed limb that has been trapped for more than 15 minutes, do not lift the load until the ambulance crew is there,
unless there is fire or rising water. A hook in the hand is pushed through and its barb cut off only by the ambulance
crew. We tape it where it is. For weever fish stings, hold the foot in water as hot as can be borne, no hotter than 45
°C, for at least 30 minutes.

## Fumes

The battery room and the bilges of laid-up boats may hold gas. Nobody goes in alone. The meter is switched on in clean
air and must read between 20.6 and 21.0 per cent oxygen there before it is trusted. The alarm for carbon monoxide is set
to 30 parts per million. If somebody has fallen in a closed space, call for help first and go in only with the air set:
half of those who die in such places were trying to rescue another.

# Emergencies

## The phone tree

The Watch Officer starts the tree by calling two people. Each of them calls the next ones and then calls the watch room
back to say that it has been done. If nobody answers within eight rings, go on to the next name and come back later.

|= 12 42 66
| Step | Who calls | Whom
| 1 | Watch Officer | Harbour Master and Station Engineer
| 2 | Harbour Master | Deputy Harbour Master, town duty officer
| 3 | Station Engineer | power company, bridge keeper, ice plant foreman
| 4 | Deputy Harbour Master | both Coxswains off duty, all Berthing Hands
| 5 | Town duty officer | school hall caretaker, bus company

The whole tree should take no more than 25 minutes. It is tried without warning twice a year, once of these at night.
The fastest run so far took 17 minutes. The list of numbers is kept on the back of the watch room door and not in this
book, as it changes too often.

## Person overboard

+ Shout, point and keep pointing. The one who points does nothing else.
+ Throw the nearest ring. They hang every 40 metres along the quays.
+ Press the red button on any ladder post. It rings in the watch room and lights the ladder.
+ The Coxswain takes the launch, approaches from down wind and stops the engine on the near side at 10 metres.
+ If the person is not found in 20 minutes, widen the search down tide and ask for the helicopter.

## Fire on a vessel

Get the people off first and count them twice. Cut the shore power at the pillar. A small vessel on fire at pontoon A, B
or C may be cut loose and towed to the burning ground, the shallow patch marked by two white posts east of the Pool, but
only on the order of the Watch Officer. Foam is in the red trailer, which holds 200 litres of concentrate. The fire
brigade expects to be here in 14 minutes by day and 22 at night, when the crew is called from home.

## Flooding of the station

When the water in the boat dock reaches the white line, which is at 5.60 metres, the ground floor is left. Take the log,
the recorder, the yellow radio case and copy 1 of this book upstairs. Switch off at the main board by pulling the three
levers from right to left. The generator on the roof starts by itself after 12 seconds and has fuel for 36 hours.

## Muster

The muster point is the flagstaff by the chapel, not the car park, which floods. The Watch Officer brings the list of
persons from the hook by the door. Nobody leaves the muster point until the whole list has been read out and answered.

# Dues, rules and fines

## Dues

|= 60 30 30
| Vessel | A night | A month
| Up to 8 metres | 14 crowns | 210 crowns
| 8 to 12 metres | 22 crowns | 330 crowns
| 12 to 18 metres | 36 crowns | 540 crowns
| Over 18 metres, each metre | 3 crowns | 40 crowns
| Multihull | half as much again | half as much again

Dues are payable by noon. Stays of less than four hours are free, except at the Fish Market. Lifeboats, sail training
ships and vessels sheltering from a gale pay nothing for the first 48 hours.

## Fines

|= 84 36
| Offence | Fine
| Over the speed limit inside the moles | 120 crowns
| Fuelling away from the fuel berth | 250 crowns
| Leaving a vessel on the Fish Market berth past two hours | 60 crowns an hour
| Rubbish or oil put into the water | 800 crowns
| Tampering with a life ring or ladder alarm | 1,000 crowns
| Flying a drone over the harbour without a permit | 150 crowns
| Passing the storm gate while the red lights flash | 500 crowns

A fine is halved if it is paid within seven days. It may be appealed against in writing to the Harbour Master within
21 days, and the Harbour Master must answer within 30. The Watch Officer may give one warning instead of a fine, and
writes the name in the warnings book; there is no second warning within two years. Money from fines does not go to the
station: it goes to the seamen's widows' fund.

## Swimming and angling

Swimming is allowed only in the Pool, from the slip to the line of yellow buoys, between sunrise and sunset. Angling
is allowed from the South Mole, with at most two rods to a person, and nowhere within 25 metres of the fuel berth.
Crab lines for children may be used on the Strand steps; buckets are emptied back into the sea.

# Waste, birds and seals

Oil, filters and batteries go into the blue shed, which is open on Wednesday and Saturday mornings. Bilge water is
pumped out free of charge at the Lay-by Wall, up to 500 litres a visit. Old nets are taken by the recycling lorry four
times a year, and must be free of lead line. Toilets may not be emptied within 3 nautical miles of the moles.

Kittiwakes nest on the ice plant from April. No work is done on its seaward wall between 10 April and 15 August. The
netting over the fish market doors is checked for caught birds each morning before the first landing. A seal pup on the
slip is left alone, the slip is closed with a rope at 30 metres, and the seal hospital is called after one full tide, as
the mother is most often only feeding.

Oiled birds are put in a cardboard box with a towel, one bird to a box, in the dark and the warm. They are not washed
here. The bird officer collects from the porch twice a day, at 11:00 and 17:00.

# Keys and lost property

## Keys

There are 31 keys in the cabinet in the watch room. Each hangs on its own hook with a brass number and is signed out and
in. The cabinet is counted at every change of watch. A key that is missing at a change of watch is looked for at once by
both watches, and the old watch does not go home. The keys of the fuel berth and of the storm gate may not be signed out
by the same person at the same time.

## Lost property

Things found are given a label and put in the wicker chest. They are kept for 90 days and are then given to the lifeboat
shop. Money of more than 50 crowns, passports and telephones go to the police on the next working day. Wet clothes are
washed first, at the cost of the station. Outboard motors are never treated as lost property: they are photographed, and
the police are called the same hour.

# Drills and checklists

## Drills

|= 48 30 42
| Drill | How often | Must be done within
| Launch away, crew in dress | weekly | 6 minutes
| Person overboard with the dummy | every two weeks | 9 minutes to recovery
| Storm gate by hand | twice a year | 50 minutes
| Boom laid at the fuel berth | quarterly | 20 minutes
| Abandon the ground floor | once a year | 12 minutes
| Phone tree | twice a year | 25 minutes

A drill that misses its time is done again within 14 days. The dummy weighs 75 kilograms and is called Mr Tolliver. He
lives in the dry locker and is not to be left sitting in the mess, where he has twice been given tea.

## Every day

- tide boards set by 06:30 with both high waters and their heights
- rings, ladders and lamps looked at on foot, the whole length of both moles
- flag at 08:00, or at sunrise in winter
- kiosk till counted by two people and the sheet signed
- engine room of the launch wiped dry, so that tomorrow's leak can be seen

## Every week

- Monday: hoist inspection, and the bilge alarm of each dinghy
- Tuesday: fire pump run for 15 minutes at full pressure, 7 bar at the far hydrant
- Wednesday: blue shed opened and its drums weighed
- Thursday: gauge compared with the staff, generator run on load for 30 minutes
- Friday: cold room knob and alarm, radio batteries counted
- Saturday: launch drill, then the deck washed with fresh water

## When the season ends

In the last week of October, pontoon C is towed to the Pool and moored with four anchors. The water to pontoon B is
turned off at the pit by the chapel and the pipe is blown through with air at 2 bar. The visitors' showers are closed on
1 November and opened again on 15 March. The fairway buoy is changed for the winter spar on the first calm day after
10 November, by the lighthouse tender.

# Last words

Three things have gone wrong here more than once. A launch left with one sea cock shut; two people each thought that the
other had called the Coastguard; and a tide that was forecast at 4.60 metres came in at 5.20, because the wind backed to
the south-east and nobody looked out of the window. None of them needed better equipment. Each needed one person to say
out loud what they were doing and another to answer.

So: say it, hear it said back, and write it down. If you are in doubt whether to wake the Harbour Master, you have just
decided to.
"""


class Handbook(FPDF):
    """The page: a running head, a page number and the kinds of block that the text uses."""

    def __init__(self, pages: dict[str, int]) -> None:
        super().__init__(format="A4")
        self.pages_of = pages
        self.entries: dict[str, int] = {}
        self.section_title = ""
        self.numbers = [0, 0]
        self.follows = 0.0  # height of the table that comes soon after a heading
        self.set_margins(26, 27, 26)
        self.set_auto_page_break(True, margin=24)
        self.set_creation_date(datetime(2024, 4, 1, 9, 0, tzinfo=UTC))
        self.set_title(f"{TITLE}, {EDITION.lower()}")
        self.set_author(PLACE)
        self.set_producer("fpdf2")
        self.set_lang("en-GB")

    def header(self) -> None:
        """Put the running head on all pages but the title page."""
        if self.page_no() == 1:
            return
        self.set_y(14)
        self.set_font("Helvetica", "", 8.5)
        self.set_text_color(*INK)
        self.cell(self.epw / 2, 5, TITLE)
        self.cell(self.epw / 2, 5, PLACE, align="R")
        self.set_draw_color(*INK)
        self.set_line_width(0.2)
        self.line(self.l_margin, 20, self.w - self.r_margin, 20)
        self.set_text_color(0)
        self.set_y(self.t_margin)

    def footer(self) -> None:
        """Put the page number on all pages but the title page."""
        if self.page_no() == 1:
            return
        self.set_y(-17)
        self.set_font("Helvetica", "", 8.5)
        self.set_text_color(*INK)
        self.cell(0, 5, f"Page {self.page_no()}", align="C")
        self.set_text_color(0)

    def need(self, height: float) -> None:
        """Begin a new page unless this much room is left."""
        if self.get_y() + height > self.h - self.b_margin:
            self.add_page()

    def title_page(self) -> None:
        """Draw the title page."""
        self.add_page()
        self.set_fill_color(*INK)
        self.rect(0, 0, self.w, 118, style="F")
        self.set_text_color(255)
        self.set_xy(26, 58)
        self.set_font("Helvetica", "B", 32)
        self.multi_cell(0, 14, TITLE, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(3)
        self.set_font("Helvetica", "", 15)
        self.cell(0, 8, PLACE, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_draw_color(*INK)
        self.set_line_width(0.9)
        for k in range(3):  # three waves under the title
            y = 132 + 7 * k
            points = [(26 + 0.5 * i, y + 1.7 * math.sin(i / 5)) for i in range(316 - 64 * k)]
            self.polyline(points)
        self.set_text_color(0)
        self.set_xy(26, 168)
        self.set_font("Times", "", 13)
        about = f"{EDITION}, in force from 1 April\nKept by the Deputy Harbour Master"
        self.multi_cell(0, 7, about, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(58)
        self.set_font("Times", "I", 11)
        self.multi_cell(
            0, 6, "If you find this book outside the harbour, please bring it to the watch room.", align="L"
        )

    def contents(self) -> None:
        """Write the list of contents, in two columns, from the page numbers of an earlier pass."""
        self.add_page()
        self.plain_heading("Contents")
        start, left, wide = self.get_y(), self.l_margin, self.epw / 2 - 5
        for k, (key, page) in enumerate(self.pages_of.items()):
            number, _, title = key.partition(" ")
            top = "." not in number
            if top and left == self.l_margin and 2 * k > len(self.pages_of):
                left += wide + 10
                self.set_y(start)
            if top and self.get_y() > start:
                self.ln(2.2)
            self.set_font("Times", "B" if top else "", 11 if top else 10.5)
            self.set_x(left)
            self.cell(8, 5.2, number)
            self.cell(wide - 16, 5.2, title)
            self.cell(8, 5.2, str(page), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def plain_heading(self, text: str) -> None:
        """Write a heading of the first level."""
        self.set_font("Helvetica", "B", 17)
        self.set_text_color(*INK)
        self.multi_cell(0, 9, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_text_color(0)
        self.ln(2)

    def section(self, title: str) -> None:
        """Begin a section."""
        self.numbers = [self.numbers[0] + 1, 0]
        if self.numbers[0] == 1:
            self.add_page()
        else:
            self.need(max(52, self.follows + 18))
            if self.get_y() > self.t_margin + 1:
                self.ln(5)
        key = f"{self.numbers[0]} {title}"
        self.entries[key] = self.page_no()
        self.start_section(key)
        self.plain_heading(key)

    def subsection(self, title: str) -> None:
        """Begin a subsection."""
        self.numbers[1] += 1
        self.need(max(34, self.follows + 9))
        if self.get_y() > self.t_margin + 1:
            self.ln(1.5)
        key = f"{self.numbers[0]}.{self.numbers[1]} {title}"
        self.entries[key] = self.page_no()
        self.start_section(key, level=1)
        self.set_font("Helvetica", "B", 11.5)
        self.set_text_color(*INK)
        self.cell(0, 7, key, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_text_color(0)
        self.ln(0.5)

    def body_font(self, style: str = "") -> float:
        """Choose the body font and return its line height."""
        family, size, height = BODY
        self.set_font(family, style, size)
        return height

    def paragraph(self, text: str) -> None:
        """Write a justified paragraph, with two lines at least on either side of a page break."""
        height = self.body_font()
        count = len(self.multi_cell(0, height, text, align="J", dry_run=True, output="LINES"))
        room = int((self.h - self.b_margin - self.get_y()) / height)
        if text.endswith(":"):  # it announces a list
            self.need(40)
        elif room < count and (room < 2 or count - room < 2):
            self.add_page()
        self.multi_cell(0, height, text, align="J", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(2.2)

    def items(self, items: list[str], numbered: bool) -> None:
        """Write a list of bullets or numbered steps."""
        height = self.body_font()
        wide = self.epw - INDENT
        counts = [len(self.multi_cell(wide, height, i, align="L", dry_run=True, output="LINES")) for i in items]
        if sum(counts) <= 10:
            self.need(height * sum(counts) + 0.7 * len(items))
        for k, item in enumerate(items, 1):
            self.need(height * counts[k - 1])
            if numbered:
                self.cell(INDENT, height, f"{k}.")
            else:
                self.set_fill_color(*INK)
                self.ellipse(self.l_margin + 1.6, self.get_y() + height / 2 - 0.6, 1.2, 1.2, style="F")
                self.set_x(self.l_margin + INDENT)
            self.multi_cell(wide, height, item, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.ln(0.7)
        self.ln(1.8)

    def note(self, text: str) -> None:
        """Write a note in a tinted box."""
        height = self.body_font("B")
        lines = self.multi_cell(self.epw - 8, height, text, align="L", dry_run=True, output="LINES")
        tall = height * len(lines) + 5
        self.need(tall + 2)
        y = self.get_y()
        self.set_fill_color(*PALE)
        self.rect(self.l_margin, y, self.epw, tall, style="F")
        self.set_fill_color(*INK)
        self.rect(self.l_margin, y, 1.2, tall, style="F")
        self.set_xy(self.l_margin + 4, y + 2.5)
        self.multi_cell(self.epw - 8, height, text, align="L")
        self.set_xy(self.l_margin, y + tall + 3)

    def draw_table(self, rows: list[list[str]], widths: list[int]) -> None:
        """Draw a table, on one page."""
        self.need(table_height(rows))
        self.ln(0.5)
        self.body_font()
        self.set_font_size(10)
        self.set_draw_color(150, 162, 176)
        self.set_line_width(0.2)
        self.set_fill_color(255)
        head = FontFace(emphasis="BOLD", color=(255, 255, 255), fill_color=INK)
        with self.table(
            col_widths=tuple(widths),
            text_align="LEFT",
            headings_style=head,
            line_height=5,
            padding=(0.7, 1.8),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            cell_fill_color=PALE,
            cell_fill_mode="EVEN_ROWS",
        ) as table:
            for cells in rows:
                table.row(cells)
        self.ln(3.5)

    def block(self, lines: list[str]) -> None:
        """Write one block of the text: lines between blank lines, all of one kind."""
        mark = lines[0][0]
        if lines[0].startswith("## "):
            self.subsection(lines[0][3:])
        elif lines[0].startswith("# "):
            self.section(lines[0][2:])
        elif mark == "|":
            rows = [[cell.strip() for cell in line[1:].split("|")] for line in lines[1:]]
            self.draw_table(rows, [int(n) for n in lines[0][2:].split()])
        elif mark in "-+" and lines[0][1] == " ":
            self.items(joined(lines, f"{mark} "), numbered=mark == "+")
        elif mark == "!":
            self.note(" ".join(lines)[2:])
        else:
            self.paragraph(" ".join(lines))


def table_height(rows: Sequence[object]) -> float:
    """Estimate the height of a table, from above."""
    return 7.2 * len(rows) + 4


def joined(lines: list[str], mark: str) -> list[str]:
    """Join the lines of a list into its items; an item begins with the mark."""
    items: list[str] = []
    for line in lines:
        if line.startswith(mark):
            items.append(line[len(mark) :])
        else:
            items[-1] += " " + line.strip()
    return items


def blocks(text: str) -> list[list[str]]:
    """Split the text at its blank lines."""
    return [part.split("\n") for part in text.strip().split("\n\n")]


def render(pages: dict[str, int]) -> Handbook:
    """Lay out the whole book; ``pages`` is what its contents page will say."""
    book = Handbook(pages)
    book.title_page()
    book.contents()
    parts = blocks(TEXT)
    for k, lines in enumerate(parts):
        after = [part for part in parts[k + 1 :] if not part[0].startswith("#")][:2]
        book.follows = 0.0
        if lines[0].startswith("#") and after and after[0][0].startswith("|"):
            book.follows = table_height(after[0][1:])
        elif lines[0].startswith("#") and len(after) == 2 and after[1][0].startswith("|") and len(after[0]) <= 3:
            book.follows = table_height(after[1][1:]) + 18
        book.block(lines)
    return book


def main() -> None:
    """Lay the book out until the contents page agrees with it, and write it."""
    pages: dict[str, int] = {}
    for _ in range(4):
        book = render(pages)
        if book.entries == pages:
            break
        pages = book.entries
    else:
        raise RuntimeError("the page numbers did not settle")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    book.output(str(TARGET))
    print(f"{TARGET}: {book.page_no()} pages, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
