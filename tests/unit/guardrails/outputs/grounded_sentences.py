"""Sentences held against a context, labelled by hand: does the context say so?

Written for this test; no outside source. 64 sentences over eight contexts, half of them supported.
Unsupported ones change a figure, a name or a claim, or add what the context doesn't say.
"""

LABELLED = (
    (
        ("The X200 pump moves 40 litres a minute and weighs 12.5 kg. It needs a 230 V outlet. "
        "The warranty lasts 24 months from the date of purchase. Seals must be replaced every "
        "2,000 hours of operation. The manufacturer is Hartmann Hydraulics of Kassel."),
        (
            ("The X200 pump moves 40 litres per minute.", True),
            ("It weighs 12.5 kg and needs a 230 V outlet.", True),
            ("The warranty is valid for 24 months after the purchase.", True),
            ("You have to replace the seals every 2000 operating hours.", True),
            ("The warranty lasts 36 months from the date of purchase.", False),
            ("The pump moves 400 litres a minute.", False),
            ("It is made by Bosch Hydraulics of Kassel.", False),
            ("The pump can also be used for salt water and oil.", False),
        ),
    ),
    (
        ("Order 88231 was placed by Maria Lindqvist on 3 May. It contains two garden chairs and a "
        "parasol. The parcel left the warehouse in Malmö on 5 May and was handed to PostNord. "
        "Delivery is expected on 9 May. Returns are free within 30 days."),
        (
            ("Order 88231 contains two garden chairs and a parasol.", True),
            ("The parcel left the Malmö warehouse on 5 May.", True),
            ("You can return the items for free within 30 days.", True),
            ("Delivery is expected on 9 May by PostNord.", True),
            ("Delivery is expected on 7 May.", False),
            ("The parcel was handed to DHL in Malmö.", False),
            ("The order was paid by credit card.", False),
            ("Returns are free within 60 days.", False),
        ),
    ),
    (
        ("Photosynthesis takes place in the chloroplasts of plant cells. Chlorophyll absorbs red "
        "and blue light and reflects green light. The light reactions produce ATP and NADPH, "
        "which the Calvin cycle uses to fix carbon dioxide into sugars. Oxygen is released as "
        "a by-product when water is split."),
        (
            ("Photosynthesis happens in the chloroplasts of plant cells.", True),
            ("Chlorophyll absorbs red and blue light.", True),
            ("The Calvin cycle uses ATP and NADPH to fix carbon dioxide.", True),
            ("Oxygen is released when water is split.", True),
            ("Photosynthesis happens in the mitochondria of animal cells.", False),
            ("The Krebs cycle fixes nitrogen into proteins.", False),
            ("Desert plants open their pores at night to save moisture.", False),
            ("Jan Ingenhousz discovered the process in 1779.", False),
        ),
    ),
    (
        ("The council of Ashford approved the new bus line on Tuesday by 14 votes to 9. Line 7 "
        "will run every 20 minutes between the station and the hospital from 1 September. "
        "A single ticket costs 2.40 pounds. Mayor Helen Whitcombe called it a good day for "
        "the town. The opposition criticised the yearly cost of 310,000 pounds."),
        (
            ("The Ashford council approved the bus line by 14 votes to 9.", True),
            ("Line 7 runs every 20 minutes between the station and the hospital.", True),
            ("A single ticket costs 2.40 pounds.", True),
            ("The opposition criticised that it costs 310,000 pounds a year.", True),
            ("The council approved it by 16 votes to 9.", False),
            ("A single ticket costs 3.20 pounds.", False),
            ("Mayor Helen Carmichael called it a good day for the town.", False),
            ("The drivers' union announced a strike for the first week.", False),
        ),
    ),
    (
        ("Employees accrue 2.5 days of vacation a month. Up to ten unused days may be carried "
        "into the next year and expire on 31 March. Requests are made in the portal at least "
        "two weeks ahead and approved by the line manager. Sick days need a doctor's note from "
        "the fourth day on."),
        (
            ("Employees accrue 2.5 vacation days each month.", True),
            ("Up to ten unused days can be carried into the next year.", True),
            ("Carried days expire on 31 March.", True),
            ("A doctor's note is needed from the fourth sick day on.", True),
            ("Employees accrue 3.5 vacation days each month.", False),
            ("Unused days are paid out in December together with the bonus.", False),
            ("Carried days expire on 30 June.", False),
            ("Parental leave lasts up to twelve months at full salary.", False),
        ),
    ),
    (
        ("The function retry(times, delay) calls an operation again when it raises TimeoutError. "
        "The default is three times with a delay of 0.5 seconds, doubled after each failure. "
        "Other exceptions are raised at once. The total waiting time is capped at 30 seconds."),
        (
            ("By default the operation is tried again three times.", True),
            ("The delay starts at 0.5 seconds and is doubled after each failure.", True),
            ("Exceptions other than TimeoutError are raised at once.", True),
            ("The waiting time is capped at 30 seconds in total.", True),
            ("The delay starts at 5 seconds and is doubled each time.", False),
            ("The waiting time is capped at 90 seconds in total.", False),
            ("The function logs every failure to the console in colour.", False),
            ("It retries on ConnectionError as well.", False),
        ),
    ),
    (
        ("Lake Tarn lies 620 metres above sea level and is 48 metres deep. It freezes over from "
        "December to March. Trout and perch live in it. The hut on its southern shore was built "
        "in 1931 by the hiking club of Grenland and has 16 beds."),
        (
            ("Lake Tarn is 48 metres deep and lies 620 metres above sea level.", True),
            ("The lake is frozen from December to March.", True),
            ("Trout and perch live in the lake.", True),
            ("The hut on the southern shore has 16 beds.", True),
            ("The lake is 84 metres deep.", False),
            ("Salmon and pike live in the lake.", False),
            ("The hut was built in 1951 by the hiking club.", False),
            ("Motor boats are forbidden on the lake in summer.", False),
        ),
    ),
    (
        ("Patients take one 500 mg tablet of Lorvex in the morning with food for seven days. "
        "The most frequent side effects are nausea and headache. Lorvex must not be taken "
        "together with warfarin. Children under 12 should not receive it. Store it below 25 "
        "degrees."),
        (
            ("Take one 500 mg tablet in the morning with food.", True),
            ("The treatment with Lorvex takes seven days.", True),
            ("Frequent side effects are headache and nausea.", True),
            ("Lorvex must not be taken together with warfarin.", True),
            ("Take one 250 mg tablet in the morning with food.", False),
            ("Children under 6 should not receive it.", False),
            ("Lorvex must not be taken together with aspirin or ibuprofen.", False),
            ("Alcohol strengthens its effect considerably.", False),
        ),
    ),
)  # fmt: skip
